"""The surveyor: looks on an interval at what waits in the tables, the same in every pod, for the metrics."""

import asyncpg

from trigger_svc import metrics
from trigger_svc.store import census


class Surveyor:
    """Its tick is a loop's."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def tick(self) -> None:
        """One statement."""
        found = await census.count(self._pool)
        metrics.WINDOWS_OPEN.set(found.windows_open)
        metrics.EXECUTIONS_PENDING.set(found.pending)
        metrics.EXECUTIONS_RUNNING.set(found.running)
        metrics.EXECUTIONS_HELD.set(found.held)
        metrics.OLDEST_PENDING_AGE.set(max(0.0, found.oldest_pending_age))
        metrics.OLDEST_RUNNING_AGE.set(max(0.0, found.oldest_running_age))
        metrics.RUNS_DUE.set(found.runs_due)
        metrics.OLDEST_DUE_AGE.set(max(0.0, found.oldest_due_age))
