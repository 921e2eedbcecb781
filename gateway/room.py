"""How many inbound calls the gateway holds at a time.

Invariant: what is on its way to trigger_svc is bounded. A call has its part from when its body was read, so that nobody
takes room by announcing a body; what is still being read is bounded where it is read (edge/crowd.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from gateway import metrics
from gateway.http_errors import HttpError


class Room:
    """At most `most_calls` calls and `most_bytes` bytes of them."""

    def __init__(self, most_calls: int, most_bytes: int) -> None:
        self._calls = most_calls
        self._bytes = most_bytes

    def check(self, size: int) -> None:
        """HttpError 503 when a call of `size` bytes would find no room now: its body need not be read."""
        if self._calls < 1 or self._bytes < size:
            raise HttpError(503, "too many calls are on their way: call again", reason="WAITING_LINE_FULL")

    @contextmanager
    def reserved(self, size: int) -> Iterator[None]:
        """Room for one call of `size` bytes while the block lasts. HttpError 503 when there is none."""
        self.check(size)
        self._take(1, size)
        try:
            yield
        finally:
            self._take(-1, -size)

    def _take(self, calls: int, size: int) -> None:
        self._calls -= calls
        self._bytes -= size
        metrics.CALLS_IN_FLIGHT.inc(calls)
        metrics.CALLS_IN_FLIGHT_BYTES.inc(size)
