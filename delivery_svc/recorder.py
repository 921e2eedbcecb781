"""The recorder: finished attempts leave this pod in groups, one transaction each, and only then does the pod let go.

A flush is repeated until it is committed: every statement of it is idempotent (attempt ids are the pod's own), so a commit
whose outcome is unknown harms nothing, and an attempt that was really made is never lost while the pod lives. What is parked
or given back is told once, and then left to the reconciler: by the time of a second telling this pod may have leased it again.
"""

import asyncio
from collections.abc import Callable

import asyncpg

from chassis import fault_points
from chassis.database import AWAY_ERRORS
from chassis.grouping import GroupCommit, GroupLimits
from chassis.logs import get_logger
from delivery_svc import metrics
from delivery_svc.attempt_log import write_attempts
from delivery_svc.delivery import Settled
from delivery_svc.health import Health
from delivery_svc.store import recording

log = get_logger()
LONGEST_PAUSE = 2.0


class Recorder:
    """Takes Settled deliveries and writes them. `release` is called with the ids that are no longer held, `unknown_outcome`
    when some of them may still be leased."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        health: Health,
        release: Callable[[list[int]], None],
        unknown_outcome: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._health = health
        self._release = release
        self._unknown_outcome = unknown_outcome
        self._group: GroupCommit[Settled, None] = GroupCommit("record", self._flush, GroupLimits(items=1000))
        self._recorded = fault_points.around(
            self._write,
            before=fault_points.AFTER_POST_BEFORE_RECORD,
            after=fault_points.AFTER_RECORD_COMMIT_BEFORE_RELEASE,
        )

    def add(self, settled: Settled) -> None:
        """Takes one; the dispatcher's room bounds how many there are."""
        self._group.add(settled, size=1024)

    async def idle(self) -> None:
        """Returns when all that was taken is committed."""
        await self._group.idle()

    async def _flush(self, group: list[Settled]) -> list[None]:
        pause = 0.05
        while True:
            try:
                await self._recorded(group)
                break
            except Exception as error:
                # Whatever it is, letting go unrecorded would lose an attempt or keep a lease for ever.
                log.error("record.waiting", error=repr(error), deliveries=len(group))
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)
        self._release([settled.delivery.id for settled in group])
        self._tell(group)
        return [None] * len(group)

    async def _write(self, group: list[Settled]) -> None:
        attempted = [settled for settled in group if settled.attempt is not None]
        cancelled = [settled for settled in group if settled.attempt is None and settled.state is not None]
        others = [settled for settled in group if settled.attempt is None and settled.state is None]
        if attempted:
            await recording.record_attempts(self._pool, attempted)
        if cancelled:
            await recording.let_go(self._pool, cancelled)
        if others:
            await self._let_go(others)

    async def _let_go(self, group: list[Settled]) -> None:
        try:
            await recording.let_go(self._pool, group)
        except AWAY_ERRORS as error:
            log.warning("let_go.unknown", error=repr(error), deliveries=len(group))
            self._unknown_outcome()

    def _tell(self, group: list[Settled]) -> None:
        metrics.observe(group)
        for settled in group:
            self._health.note(settled)
        write_attempts(group)
