"""How many inbound calls the gateway holds at a time.

Invariants: what is on its way to trigger_svc is bounded, and one trigger, held up or flooded, takes a quarter of it and leaves
the rest to the others. A call has its part from when its body was read, so that nobody takes room by announcing a body; what
is still being read is bounded where it is read (edge/crowd.py).
"""

from gateway import metrics
from gateway.call_answers import again
from gateway.edge.crowd import SHARE_OF_ONE
from gateway.http_errors import HttpError


class Room:
    """At most `most_calls` calls and `most_bytes` bytes of them, and a quarter of the calls for one token."""

    def __init__(self, most_calls: int, most_bytes: int) -> None:
        self._most_calls = most_calls
        self._most_bytes = most_bytes
        self._most_of_one = max(1, most_calls // SHARE_OF_ONE)
        self._calls = self._bytes = 0
        self._of: dict[bytes, int] = {}
        metrics.CALLS_IN_FLIGHT.set_function(lambda: self._calls)
        metrics.CALLS_IN_FLIGHT_BYTES.set_function(lambda: self._bytes)

    def check(self, token: bytes, size: int) -> None:
        """HttpError 503 when a call of `size` bytes would find no room now: its body need not be read."""
        if self._calls >= self._most_calls or self._bytes + size > self._most_bytes:
            raise _full("too many calls are on their way: call again")
        if self._of.get(token, 0) >= self._most_of_one:
            raise _full("too many calls of this trigger are on their way: call again")

    def take(self, token: bytes, size: int) -> None:
        """Room for one call, to be given back. HttpError 503 when there is none."""
        self.check(token, size)
        self._calls += 1
        self._bytes += size
        self._of[token] = self._of.get(token, 0) + 1

    def give_back(self, token: bytes, size: int) -> None:
        """The call has its end."""
        self._calls -= 1
        self._bytes -= size
        left = self._of[token] - 1
        if left:
            self._of[token] = left
        else:
            del self._of[token]


def _full(message: str) -> HttpError:
    return again(message, "WAITING_LINE_FULL")
