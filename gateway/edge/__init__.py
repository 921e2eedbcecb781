"""What stands between the network and the ASGI app: connections, TLS, the limits of HTTP itself, who is asking, how often.

Invariant: whatever a peer sends or leaves unsent, it costs bounded memory for a bounded time.
"""
