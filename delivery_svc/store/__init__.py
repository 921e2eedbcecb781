"""The SQL of delivery_svc, one file per table, one named statement per function."""
