"""Who may do what in delivery_svc, by permission set (design: the rights table)."""

PUBLISH = frozenset({"account_admin", "publisher"})
#: A test makes a delivery: whoever writes webhooks may send one.
TEST = frozenset({"account_admin", "admin", "developer", "member", "webhooks_only"})
READ = TEST | {"read_only"}
