"""Looks after runs that nobody looks after: acquired and not started, started by a runner that went silent, finished
without artifacts. Every pod does it; each change checks lease and time again under the row's lock.
"""

from collections.abc import Callable

import asyncpg

from chassis.logs import get_logger
from trigger_svc import metrics
from trigger_svc.finish_run import lose_run
from trigger_svc.run import Lease, may_try_again
from trigger_svc.store import rescue

log = get_logger()
MOST_AT_ONCE = 100


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
            metrics.RUNS_FREED.labels("unstarted").inc(len(unstarted))
            log.warning("run.freed", why="unstarted", run_ids=unstarted)
        lost = await rescue.find_lost(self._pool, now, most=MOST_AT_ONCE)
        for one in lost:
            if may_try_again(one.attempts, one.max_attempts):
                if await rescue.put_back(self._pool, one, now):
                    metrics.RUNS_FREED.labels("lost").inc()
                    log.warning("run.freed", why="lost", run_id=one.run_id, attempts=one.attempts)
            else:
                await lose_run(self._pool, Lease(run_id=one.run_id, lease_id=one.lease_id, account_id=None))
        completed = await rescue.give_up_artifacts(self._pool, now, most=MOST_AT_ONCE)
        if unstarted or lost:
            self._acquire()
        if lost or completed:
            self._announce()
        return MOST_AT_ONCE in (len(unstarted), len(lost), len(completed))
