"""What the receiver has seen: per endpoint the event ids with the time of their first arrival, and counts over all.

Invariant: `received` is every delivery, `duplicates` those whose event had been at the same endpoint before, so
received - duplicates is the number of (endpoint, event id) pairs held.
"""

import time
from collections.abc import Iterator
from typing import Any

from bench.histogram import Histogram

_EVENT_ID = b'"eventId":"'
_STAMP = b'"runReason":"t='
# time.time_ns() has 19 digits from 2001 until 2286.
_STAMP_DIGITS = 19


class Tally:
    """Counts deliveries; `add` is the hot path of the receiver and verifies nothing."""

    def __init__(self, paths: list[bytes]) -> None:
        self._paths = paths
        self.reset()

    def reset(self) -> None:
        """Forgets everything but the endpoints."""
        self.endpoints: dict[bytes, dict[bytes, int]] = {path: {} for path in self._paths}
        self.received = 0
        self.duplicates = 0
        self.unidentified = 0
        self.unstamped = 0
        self.malformed = 0
        self.connections = 0
        self.body_bytes = 0
        self.latency = Histogram()

    def add(self, seen: dict[bytes, int], body: bytes) -> None:
        """Counts one delivery to the endpoint that `seen` (a value of `endpoints`) stands for."""
        now = time.time_ns()
        self.received += 1
        self.body_bytes += len(body)
        start = body.find(_EVENT_ID) + len(_EVENT_ID)
        end = body.find(b'"', start)
        if start < len(_EVENT_ID) or end < 0:
            self.unidentified += 1
        elif seen.setdefault(body[start:end], now) != now:
            self.duplicates += 1
        start = body.find(_STAMP, end) + len(_STAMP)
        try:
            self.latency.record((now - int(body[start : start + _STAMP_DIGITS])) // 1000)
        except ValueError:
            self.unstamped += 1

    def stats(self) -> dict[str, Any]:
        """Counts, the latency histogram (bucket to count, as text keys) and the monotonic time of this answer."""
        return {
            "received": self.received,
            "duplicates": self.duplicates,
            "unidentified": self.unidentified,
            "unstamped": self.unstamped,
            "malformed": self.malformed,
            "connections": self.connections,
            "body_bytes": self.body_bytes,
            "events_per_endpoint": [len(seen) for seen in self.endpoints.values()],
            "latency_us": {str(bucket): count for bucket, count in self.latency.counts().items()},
            "monotonic_ns": time.monotonic_ns(),
        }

    def lines(self) -> Iterator[bytes]:
        """One line per pair: `<endpoint number> <event id> <time of its first arrival in ns since 1970>`."""
        for number, seen in enumerate(self.endpoints.values()):
            for event_id, received_at in seen.items():
                yield b"%d %s %d\n" % (number, event_id, received_at)
