-- The login roles, before roles.sql sets what they must have. The Cluster's managed roles give them LOGIN and a password.
create role runhook_subscription nologin;
create role runhook_delivery nologin;
create role runhook_trigger nologin;
