"""What every service is bolted to: settings, logs, metrics, database, gRPC, loops, group commit. Knows no webhook word."""
