"""Starts the executions of triggers of kind ONCE and CRON when their moment has come; every pod does.

Exactly once a moment. What was missed while no pod was there starts once, however many moments that were: the next one is
counted from the time at which it is noticed. Time is the database's; what comes next is worked out here, under no lock.
"""

from collections.abc import Callable

import asyncpg

from chassis.ids import ksuid
from chassis.logs import get_logger
from trigger_svc import metrics
from trigger_svc.schedule import next_start
from trigger_svc.store import schedule as schedules
from trigger_svc.store.schedule import Due

log = get_logger()
MOST_AT_ONCE = 50


class Scheduler:
    """One tick, for a loop. `acquire` wakes the loop that hands runs out."""

    def __init__(self, pool: asyncpg.Pool, *, acquire: Callable[[], None]) -> None:
        self._pool = pool
        self._acquire = acquire

    async def tick(self) -> bool:
        """Starts up to 50; whether there may be more. One that fails is tried again by the next tick, after the others."""
        due = await schedules.due(self._pool, most=MOST_AT_ONCE)
        failures = []
        started = 0
        for one in due:
            try:
                started += await self._start(one)
            except Exception as error:  # a trigger that cannot be started must not hold up those behind it
                log.warning("schedule.failed", trigger_id=one.public_id, error=repr(error))
                failures.append(error)
        if started:
            self._acquire()
        if failures:
            raise failures[0]
        return started == MOST_AT_ONCE

    async def _start(self, one: Due) -> bool:
        after = None if one.cron is None else next_start(one.cron, one.now)
        execution_id = "exe_" + ksuid(int(one.now.timestamp()))
        begun = await schedules.start(self._pool, one, next_start_at=after, execution_id=execution_id)
        if begun is None:
            return False
        metrics.SCHEDULE_LATENESS.observe(begun.late_seconds)
        if begun.state == "FAILED":
            metrics.executions_finished("FAILED").inc()
        log.info(
            "schedule.started",
            trigger_id=one.public_id,
            execution_id=begun.execution_id,
            answer=begun.answer,
            state=begun.state,
            late_seconds=round(begun.late_seconds, 3),
        )
        return True
