"""Loopback ports. Invariant: what is offered was free a moment ago and is none that outgoing connections get."""

import os
import socket

from standalone.trouble import Trouble

# Below the ranges that Linux (32768) and macOS (49152) take for outgoing connections: between our look and a child's
# bind, and while a child restarts, no connection can take the port.
_FIRST, _COUNT = 20_000, 10_000
# Two of us that look at the same moment begin at different places.
_STRIDE = 16


def free_ports(count: int) -> list[int]:
    """Distinct ports of 127.0.0.1 that nobody listens on; Trouble if there are too few."""
    start = os.getpid() * _STRIDE
    ports: list[int] = []
    for step in range(_COUNT):
        if len(ports) == count:
            break
        port = _FIRST + (start + step) % _COUNT
        if is_free(port):
            ports.append(port)
    if len(ports) < count:
        raise Trouble(f"found no {count} free ports from {_FIRST} to {_FIRST + _COUNT - 1} on 127.0.0.1")
    return ports


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
