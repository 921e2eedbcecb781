"""What answers at each path: a room per resource. A handler reads a visit, asks one service, shows its answer."""
