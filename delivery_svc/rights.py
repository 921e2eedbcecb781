"""Who may do what in delivery_svc, by permission set (design: the rights table)."""

PUBLISH = frozenset({"account_admin", "publisher"})
#: Tests and redeliveries: whoever writes webhooks may have something sent to one.
SEND = frozenset({"account_admin", "admin", "developer", "member", "webhooks_only"})
#: What cannot be undone.
ERASE = frozenset({"account_admin"})
READ = SEND | {"read_only"}
