"""Which permission sets may do what here; our own processes may do everything, and they alone receive calls."""

TRIGGERS_WRITE = frozenset({"account_admin", "admin", "developer", "member"})
TRIGGERS_READ = TRIGGERS_WRITE | {"read_only"}
RUNS_READ = TRIGGERS_READ
RUNS_TAKE = frozenset({"runner"})
