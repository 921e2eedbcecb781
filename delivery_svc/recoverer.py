"""The recoverer: moves what recoveries ask for back into the queue, a batch at a time. Any pod does it.

A batch is one transaction under the lock of the recovery's row: two pods never move the same recovery at once, and one
that dies leaves it as it was before the batch. Rows go in parked, so that a recovery fills its own lane and no other.
"""

from collections.abc import Callable

import asyncpg

from delivery_svc.recovery import BATCH, MOST_PARKED
from delivery_svc.store import recovery

LIMITS = recovery.Limits(batch=BATCH, parked=MOST_PARKED)


class Recoverer:
    """Its tick is a loop's. `wake_claimer` is called when there is something to draw."""

    def __init__(self, pool: asyncpg.Pool, wake_claimer: Callable[[], None]) -> None:
        self._pool = pool
        self._wake_claimer = wake_claimer
        self._last = 0

    async def tick(self) -> bool:
        """Moves one batch. Whether there may be more: not when every recovery waits for its lane or for another pod."""
        moved = await recovery.step(self._pool, self._last, LIMITS)
        if moved is None:
            return False
        self._last, deliveries = moved
        if deliveries:
            self._wake_claimer()
        return True
