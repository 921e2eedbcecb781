"""Closes windows whose deadline has come, whichever pod opened them: that is what survives the death of any pod.

Few at a time, since their heads are locked until the commit. Late by one sweep at most; the pod that opened a window
has a timer for it besides, and a call that comes first closes it itself.
"""

import asyncpg

from chassis import fault_points
from chassis.clock import DatabaseClock
from chassis.ids import ksuid
from trigger_svc.aftermath import Aftermath
from trigger_svc.store import window as windows

MOST_AT_ONCE = 20


class Closer:
    """The sweep; its tick is a loop's."""

    def __init__(self, pool: asyncpg.Pool, clock: DatabaseClock, aftermath: Aftermath) -> None:
        self._pool = pool
        self._clock = clock
        self._aftermath = aftermath
        self._close_expired = fault_points.around(windows.close_expired, after=fault_points.AFTER_CLOSE_BEFORE_NOTIFY)

    async def tick(self) -> bool:
        """Closes up to 20 windows; whether there may be more."""
        seconds = int(self._clock.now().timestamp())
        closed = await self._close_expired(self._pool, ["exe_" + ksuid(seconds) for _ in range(MOST_AT_ONCE)])
        self._aftermath.closed(closed)
        return len(closed) == MOST_AT_ONCE
