-- What the services' login roles must have, whoever makes them. Roles belong to the cluster, not to the database, so this
-- is no migration. For a cluster of your own, as a role that may: psql -f schema/roles.sql, then give each role LOGIN and
-- a password (ALTER ROLE ... LOGIN; \password ...). `runhook standalone` and the tests run it themselves.

-- A statement that waits for a lock, or a session that forgot its transaction, must not stop the others.
alter role runhook_subscription set lock_timeout = '2s';
alter role runhook_subscription set idle_in_transaction_session_timeout = '5s';
alter role runhook_subscription set statement_timeout = '30s';
-- asyncpg turns it off where it is on while it looks up a type, and on again: behind a pooler, in another session perhaps.
alter role runhook_subscription set jit = off;

alter role runhook_delivery set lock_timeout = '2s';
alter role runhook_delivery set idle_in_transaction_session_timeout = '5s';
alter role runhook_delivery set statement_timeout = '30s';
-- Plans are prepared while a table is empty and kept when it is not: a scan of all of it would be kept too, and so would
-- reading all of a long log only to sort it for its newest page.
alter role runhook_delivery set enable_seqscan = off;
alter role runhook_delivery set enable_bitmapscan = off;
alter role runhook_delivery set enable_sort = off;
alter role runhook_delivery set jit = off;

alter role runhook_trigger set lock_timeout = '2s';
alter role runhook_trigger set idle_in_transaction_session_timeout = '5s';
alter role runhook_trigger set statement_timeout = '30s';
alter role runhook_trigger set enable_seqscan = off;
alter role runhook_trigger set jit = off;
