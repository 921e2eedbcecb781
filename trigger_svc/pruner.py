"""Keeps growth bounded: makes partitions ahead, drops those past their retention, deletes what finished long ago, forgets
flushes that nobody asks for and keys of calls that no longer count, rejects what has waited for longer than it may.

Every pod does it; a second one finds nothing to do.
"""

import asyncpg

from chassis.clock import DatabaseClock
from chassis.logs import get_logger
from chassis.loop import Loop
from chassis.partitions import note_end
from trigger_svc.store import audit as audits
from trigger_svc.store import call_dedupe, prune, waiting
from trigger_svc.store import head as heads
from trigger_svc.store import partition as partitions

log = get_logger()
#: Longer than any pod looks for the outcome of a commit.
GROUP_SECONDS = 600.0
MOST_GROUPS_AT_ONCE = 5_000
RETENTION_DAYS = 30
WAIT_DAYS = 28
MOST_GIVEN_UP_AT_ONCE = 100
MOST_EXECUTIONS_AT_ONCE = 500
MOST_EVENTS_AT_ONCE = 2_000
#: How long a call is known again: trigger.receive_calls looks no further back.
DEDUPE_SECONDS = 7 * 86_400.0
MOST_KEYS_AT_ONCE = 5_000
MOST_AUDITS_AT_ONCE = 1_000


class Pruner:
    """Six ticks, each in a loop of its own. `retention_days` is how long finished executions are kept, `wait_days` how long one
    may wait for its beginning."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        clock: DatabaseClock,
        retention_days: int = RETENTION_DAYS,
        wait_days: int = WAIT_DAYS,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._days = retention_days
        self._wait_days = wait_days
        self._execution = 0  # how far the present walk through each table has come
        self._event = 0

    def loops(self) -> list[Loop]:
        """What calls each of its ticks."""
        return [
            Loop("partitions", self.keep_partitions, interval=3600),
            Loop("executions", self.delete_finished, interval=300),
            Loop("waiting", self.give_up_waiting, interval=60),
            Loop("groups", self.forget_groups, interval=60),
            Loop("keys", self.forget_keys, interval=60),
            Loop("audits", self.forget_audits, interval=3600),
        ]

    async def keep_partitions(self) -> None:
        """Makes and drops partitions; reads the database's clock anew."""
        await self._clock.read(self._pool)
        made = await partitions.make(self._pool)
        dropped = await partitions.drop(self._pool)
        await note_end(self._pool, "trigger")
        if made or dropped:
            log.info("partitions.kept", made=made, dropped=dropped)

    async def delete_finished(self) -> bool:
        """Deletes the next page of finished executions, then of told events; whether there may be more of either."""
        found = await prune.executions(self._pool, after=self._execution, days=self._days, most=MOST_EXECUTIONS_AT_ONCE)
        self._execution = found.last if found.more else 0
        told = await prune.events(self._pool, after=self._event, days=self._days, most=MOST_EVENTS_AT_ONCE)
        self._event = told.last if told.more else 0
        if found.pruned or told.pruned:
            log.info("executions.pruned", executions=found.pruned, events=told.pruned)
        return found.more or told.more

    async def give_up_waiting(self) -> bool:
        """Rejects executions that have waited for too long; whether there may be more."""
        before = await waiting.read_limit(self._pool, days=self._wait_days)
        found = await waiting.find(self._pool, before, most=MOST_GIVEN_UP_AT_ONCE)
        for execution_id in found:
            if await waiting.give_up(self._pool, execution_id, before):
                log.warning("execution.given_up", execution=execution_id, waited_days=self._wait_days)
        return len(found) == MOST_GIVEN_UP_AT_ONCE

    async def forget_groups(self) -> bool:
        """Forgets old flushes; whether there may be more."""
        count = await heads.prune_groups(self._pool, older_than_seconds=GROUP_SECONDS, most=MOST_GROUPS_AT_ONCE)
        return count == MOST_GROUPS_AT_ONCE

    async def forget_keys(self) -> bool:
        """Forgets keys of calls past their 7 days; whether there may be more."""
        count = await call_dedupe.prune(self._pool, older_than_seconds=DEDUPE_SECONDS, most=MOST_KEYS_AT_ONCE)
        return count == MOST_KEYS_AT_ONCE

    async def forget_audits(self) -> bool:
        """Forgets what was noted more than a year ago; whether there may be more."""
        return await audits.prune(self._pool, most=MOST_AUDITS_AT_ONCE) == MOST_AUDITS_AT_ONCE
