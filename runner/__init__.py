"""A runner takes runs from trigger_svc and executes what its operator named; it has no database and no door."""
