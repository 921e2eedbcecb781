"""The whole platform in one command on one machine. Invariant: what it starts, it ends, even when it is killed."""
