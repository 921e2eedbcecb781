"""A background loop: `tick` does one bounded piece of work and says whether more waits; nothing it raises kills others.

A full tick is followed by the next at once, a short one by a pause that a wake-up or the stop ends early. A failing tick
is logged, counted and backed off. The tick alone is what tests call.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from prometheus_client import Counter, Histogram

from chassis.histogram import SECONDS
from chassis.logs import get_logger

log = get_logger()
TICK_SECONDS = Histogram(
    "runhook_loop_tick_seconds", "Time of one tick of a background loop.", ["loop"], buckets=SECONDS
)
FAILURES = Counter(
    "runhook_loop_failures_total",
    "Ticks that raised; the loop goes on, more slowly. In all loops at once: the database is away.",
    ["loop"],
)
LONGEST_BACKOFF = 5.0  # also how long work may lie after a database that was away is back


class Loop:
    """Runs `tick` until stopped. `interval` and `jitter` (a share of it) are the pause after a tick that found no more."""

    def __init__(
        self, name: str, tick: Callable[[], Awaitable[bool | None]], *, interval: float, jitter: float = 0.3
    ) -> None:
        self.name = name
        self._tick = tick
        self._interval = interval
        self._jitter = jitter
        self._woken = asyncio.Event()
        self._failures = 0
        self._seconds = TICK_SECONDS.labels(name)
        self._failed = FAILURES.labels(name)

    def wake(self) -> None:
        """Ends the present pause; safe to call at any time from the event loop."""
        self._woken.set()

    async def run(self, stopped: asyncio.Event) -> None:
        """Ticks until `stopped` is set; a tick under way is finished first."""
        while not stopped.is_set():
            self._woken.clear()
            if not await self._tick_once():
                await self._pause(stopped)

    async def _tick_once(self) -> bool:
        started = time.monotonic()
        try:
            more = await self._tick()
            self._failures = 0
            return bool(more)
        except Exception as error:
            self._failures += 1
            self._failed.inc()
            log.warning(
                "loop.failed", loop=self.name, failures=self._failures, error=repr(error), exc_info=self._failures == 1
            )
            return False
        finally:
            self._seconds.observe(time.monotonic() - started)

    async def _pause(self, stopped: asyncio.Event) -> None:
        seconds = self._interval * random.uniform(1 - self._jitter, 1 + self._jitter)
        if self._failures:
            seconds = min(LONGEST_BACKOFF, max(seconds, 0.1 * 2 ** min(self._failures, 10)))
        waits = [asyncio.ensure_future(self._woken.wait()), asyncio.ensure_future(stopped.wait())]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
