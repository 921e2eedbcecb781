"""Looks after what nobody looks after: runs that were acquired and not started, started by a runner that went silent, finished
without artifacts; plans whose time is over; executions that wait for room. Every pod does it; each change looks again under the
row's lock.
"""

from collections.abc import Callable
from datetime import datetime

import asyncpg

from chassis.logs import get_logger
from trigger_svc import metrics
from trigger_svc.finish_run import count_ended_last, lose_run
from trigger_svc.run import Lease, may_try_again
from trigger_svc.store import execution as executions
from trigger_svc.store import rescue
from trigger_svc.store.rescue import Lost

log = get_logger()
MOST_AT_ONCE = 100
MOST_HELD = 1_000


class Rescuer:
    """Its tick is a loop's. `acquire` and `announce` wake those loops of this pod."""

    def __init__(self, pool: asyncpg.Pool, *, acquire: Callable[[], None], announce: Callable[[], None]) -> None:
        self._pool = pool
        self._acquire = acquire
        self._announce = announce

    async def tick(self) -> bool:
        """Frees, ends and announces what is due; whether there may be more."""
        now = await rescue.read_time(self._pool)
        unstarted = await rescue.free_unstarted(self._pool, now, most=MOST_AT_ONCE)
        if unstarted:
            metrics.runs_freed("unstarted").inc(len(unstarted))
            log.warning("run.freed", why="unstarted", run_ids=unstarted)
        lost = await rescue.find_lost(self._pool, now, most=MOST_AT_ONCE)
        for one in lost:
            await self._let_go(one, now)
        timed_out = await self._time_out(now)
        admitted = await self._admit()
        completed = await rescue.give_up_artifacts(self._pool, now, most=MOST_AT_ONCE)
        if unstarted or lost or timed_out or admitted:
            self._acquire()
        if lost or timed_out or completed:
            self._announce()
        return MOST_AT_ONCE in (len(unstarted), len(lost), timed_out, len(completed))

    async def _let_go(self, one: Lost, now: datetime) -> None:
        if not may_try_again(one.attempts, one.max_attempts):
            await lose_run(self._pool, Lease(run_id=one.run_id, lease_id=one.lease_id, account_id=None))
        elif await rescue.put_back(self._pool, one, now):
            metrics.runs_freed("lost").inc()
            log.warning("run.freed", why="lost", run_id=one.run_id, attempts=one.attempts)

    async def _time_out(self, now: datetime) -> int:
        found = await rescue.find_timed_out(self._pool, now, most=MOST_AT_ONCE)
        for execution_id in found:
            if await rescue.time_out_plan(self._pool, execution_id):
                log.warning("plan.timed_out", execution=execution_id)
                [ended] = await executions.read(self._pool, [execution_id])
                count_ended_last(ended)
                if ended.finished_at is not None:  # it has no failure handler
                    metrics.executions_finished("FAILED").inc()
        return len(found)

    async def _admit(self) -> bool:
        targets = await rescue.find_held(self._pool, most=MOST_HELD)
        return any([await rescue.admit_held(self._pool, target) for target in targets])
