"""The rescuer: declares dead the pods it has itself watched without a beat, and frees their rows. Every pod runs it.

Only what was watched counts, by this pod's monotonic clock: after a stall of Postgres, or of this pod, everybody's beat is
old and nobody is dead. Rows of a dead epoch are freed again and again until the epoch is forgotten, since a statement of
its pod may still commit.
"""

import time
from datetime import datetime

import asyncpg

from chassis.logs import get_logger
from delivery_svc import metrics
from delivery_svc.store import pod, queue

log = get_logger()
FORGET_AFTER_SECONDS = 60.0


class Rescuer:
    """`dead_after` is how long, in seconds, an unchanged heartbeat must have been watched. `living` is how many pods there were
    at the last look, this one among them."""

    def __init__(self, pool: asyncpg.Pool, dead_after: float) -> None:
        self._pool = pool
        self._dead_after = dead_after
        self._seen: dict[int, tuple[datetime, float]] = {}
        self._last_tick = float("-inf")
        self.living = 1

    async def tick(self) -> None:
        """Looks at every pod once, buries who did not move, frees what the dead held."""
        await self._watch()
        if await pod.any_dead(self._pool):
            freed = await queue.rescue(self._pool)
            if freed:
                metrics.RESCUED.inc(freed)
                log.warning("leases.rescued", deliveries=freed)
            await pod.prune(self._pool, FORGET_AFTER_SECONDS)

    async def _watch(self) -> None:
        now = time.monotonic()
        if now - self._last_tick > self._dead_after / 2:
            self._seen.clear()  # this pod was away itself: begin to watch anew
        self._last_tick = now
        living = await pod.living(self._pool)
        self.living = max(1, len(living))
        self._seen = {epoch: seen for epoch, seen in self._seen.items() if epoch in living}
        for epoch, heartbeat_at in living.items():
            first = self._seen.get(epoch)
            if first is None or first[0] != heartbeat_at:
                self._seen[epoch] = (heartbeat_at, now)
            elif now - first[1] >= self._dead_after and await pod.declare_dead(self._pool, epoch, heartbeat_at):
                log.warning("pod.declared_dead", epoch=epoch, last_heartbeat=heartbeat_at.isoformat())
