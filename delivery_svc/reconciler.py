"""The reconciler: after a publish or claim whose outcome is unknown, frees rows leased to this pod that it does not hold.

The lost statement may still commit for a while, so it looks again until that time is over, and once after it: a database
that was away for longer must be looked at, too.
"""

import asyncio
import time

import asyncpg

from chassis.logs import get_logger
from delivery_svc.beater import Beater
from delivery_svc.dispatcher import Dispatcher
from delivery_svc.intake import Intake
from delivery_svc.store import queue

log = get_logger()
LOOK_FOR_SECONDS = 60.0
QUIET_WITHIN_SECONDS = 5.0


class Reconciler:
    """Idle until `suspect` is called."""

    def __init__(self, pool: asyncpg.Pool, beater: Beater, dispatcher: Dispatcher, intake: Intake) -> None:
        self._pool = pool
        self._beater = beater
        self._dispatcher = dispatcher
        self._intake = intake
        self._until: float | None = None  # None: nothing is suspected

    @property
    def suspicious(self) -> bool:
        """Whether something may still be leased that nobody holds."""
        return self._until is not None

    def suspect(self) -> None:
        """A statement's outcome is unknown."""
        self._until = time.monotonic() + LOOK_FOR_SECONDS

    async def tick(self) -> None:
        """Frees what is not held. Nothing is leased meanwhile, and statements under way are waited for: what they bring
        must be among the held before the two are compared."""
        began, until = time.monotonic(), self._until
        if until is None:
            return
        self._intake.paused = True
        try:
            async with asyncio.timeout(QUIET_WITHIN_SECONDS):
                while self._dispatcher.reserved:  # noqa: ASYNC110 - rare; an event would cost every statement a check
                    await asyncio.sleep(0.005)
            freed = await queue.reconcile(self._pool, self._beater.epoch, list(self._dispatcher.held))
        finally:
            self._intake.paused = False
        if began > until and self._until == until:
            self._until = None
        if freed:
            log.warning("leases.reconciled", deliveries=freed)
