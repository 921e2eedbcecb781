"""How late the event loop runs what is due: the one figure that says that a process has no time left, or blocked itself."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import Histogram

STEP_SECONDS = 0.1
LAG = Histogram(
    "runhook_event_loop_lag_seconds",
    "How late a timer of the event loop rang, ten times a second; above 0.1 for long, the process has no CPU time left or "
    "something blocks its loop.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


class _Watch:
    """One call_later chain. A late ring delays the next one too: what is late twice is counted twice."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._set()

    def stop(self) -> None:
        """Rings no more."""
        self._timer.cancel()

    def _set(self) -> None:
        self._due = time.monotonic() + STEP_SECONDS
        self._timer = self._loop.call_later(STEP_SECONDS, self._ring)

    def _ring(self) -> None:
        LAG.observe(max(0.0, time.monotonic() - self._due))
        self._set()


@asynccontextmanager
async def watching_lag() -> AsyncIterator[None]:
    """Measures the running loop for as long as the block lasts."""
    watch = _Watch()
    try:
        yield
    finally:
        watch.stop()
