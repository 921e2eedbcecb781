"""Who may do what in delivery_svc, by permission set (design: the rights table)."""

PUBLISH = frozenset({"account_admin", "publisher"})
