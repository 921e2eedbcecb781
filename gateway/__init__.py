"""The REST door: translates HTTP to gRPC. No SQL, no business rules, no state."""
