"""The console: pages for people on the gateway. A caller of the three services like every other, with no rules of its own."""
