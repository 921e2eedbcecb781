"""Which permission sets may do what here; our own processes may do everything, and they alone receive calls."""

TRIGGERS_WRITE = frozenset({"account_admin", "admin", "developer", "member"})
TRIGGERS_REVEAL = TRIGGERS_WRITE  # the tokens of URLs, and new ones
TRIGGERS_READ = TRIGGERS_WRITE | {"read_only"}
RUNS_READ = TRIGGERS_READ
RUNS_START = TRIGGERS_WRITE  # and cancel
RUNS_TAKE = frozenset({"runner"})
