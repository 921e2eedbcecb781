"""What the doctor looks at, a room per part. Invariant: facts are read by one named statement, and judged without I/O."""
