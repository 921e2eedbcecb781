"""Every operation that the gateway serves with the schemas of its answers, a room per resource."""
