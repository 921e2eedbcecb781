"""What a pod does once a commit of its own opened or closed windows: count, log, set a timer, wake the acquirer.

Nothing here is needed for correctness: any pod closes any window, and acquirers look by themselves.
"""

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence

from chassis.logs import get_logger
from trigger_svc import metrics
from trigger_svc.journey import Journey, Taken
from trigger_svc.store.window import Closed

log = get_logger()
#: All windows that end within the same span of so many seconds share a timer, so that 10,000 open ones are cheap.
GRAIN_SECONDS = 0.02


class Aftermath:
    """Told of every commit that opened or closed windows. `sweep` and `acquire` wake those loops of this pod; `journey`, if
    there is one, tells of them in traces."""

    def __init__(
        self, *, sweep: Callable[[], None], acquire: Callable[[], None], journey: Journey | None = None
    ) -> None:
        self._sweep = sweep
        self._acquire = acquire
        self._journey = journey
        self._timers: set[int] = set()

    def taken(self, calls: Sequence[Taken]) -> None:
        """Calls that are in, while traces are on."""
        if self._journey is not None:
            self._journey.taken(calls)

    def closed(self, windows: Sequence[Closed]) -> None:
        """Windows that were closed, with an execution each."""
        some = False
        for window in windows:
            some = True
            metrics.windows_closed(window.reason).inc()
            metrics.WINDOW_CALLS.observe(window.size)
            if window.reason == "deadline":
                metrics.WINDOW_LATENESS.observe(window.late_seconds)
            if window.failed:
                metrics.executions_finished("FAILED").inc()
            log.info(
                "window.closed",
                trigger_id=window.trigger_id,
                window_id=window.window_id,
                execution_id=window.execution_id,
                reason=window.reason,
                calls=window.size,
                late_seconds=round(window.late_seconds, 3),
            )
        if some:
            self._acquire()
            if self._journey is not None:
                self._journey.closed(windows)

    def opened(self, seconds_left: Iterable[float]) -> None:
        """Windows that were opened and have so many seconds until their deadline."""
        loop = asyncio.get_running_loop()
        for seconds in seconds_left:
            # Never before the deadline: the sweep would find nothing.
            grain = math.floor((loop.time() + seconds) / GRAIN_SECONDS) + 1
            if grain not in self._timers:
                self._timers.add(grain)
                loop.call_at(grain * GRAIN_SECONDS, self._due, grain)

    def _due(self, grain: int) -> None:
        self._timers.discard(grain)
        self._sweep()
