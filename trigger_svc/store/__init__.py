"""The SQL of trigger_svc: one file per table, one named statement per function."""
