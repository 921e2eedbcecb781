"""Keeps growth bounded: makes partitions ahead, drops those past their retention, forgets flushes that nobody asks for.

Every pod does it; a second one finds nothing to do.
"""

import asyncpg

from chassis.clock import DatabaseClock
from chassis.logs import get_logger
from trigger_svc.store import head as heads
from trigger_svc.store import partition as partitions

log = get_logger()
#: Longer than any pod looks for the outcome of a commit.
GROUP_SECONDS = 600.0
MOST_GROUPS_AT_ONCE = 5_000


class Pruner:
    """Two ticks: hourly for partitions, every minute for flushes."""

    def __init__(self, pool: asyncpg.Pool, clock: DatabaseClock) -> None:
        self._pool = pool
        self._clock = clock

    async def keep_partitions(self) -> None:
        """Makes and drops partitions; reads the database's clock anew."""
        await self._clock.read(self._pool)
        made = await partitions.make(self._pool)
        dropped = await partitions.drop(self._pool)
        if made or dropped:
            log.info("partitions.kept", made=made, dropped=dropped)

    async def forget_groups(self) -> bool:
        """Forgets old flushes; whether there may be more."""
        count = await heads.prune_groups(self._pool, older_than_seconds=GROUP_SECONDS, most=MOST_GROUPS_AT_ONCE)
        return count == MOST_GROUPS_AT_ONCE
