"""The eraser: carries erasures out, a bounded step at a time. Any pod does it.

A step is one transaction under the lock of the erasure's row: two pods never walk the same erasure at once, and one that dies
leaves it as it was before the step. It waits at deliveries that are in a pod's hands: their attempt under way is recorded
first, and wiped then.
"""

from datetime import datetime
from typing import cast

import asyncpg

from chassis.logs import get_logger
from delivery_svc import metrics
from delivery_svc.erasure import Phase, Place, Step
from delivery_svc.store import erasing, erasure
from delivery_svc.store.erasure import Running

log = get_logger()


class Eraser:
    """Its tick is a loop's."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._last = 0
        self._resting: set[int] = set()

    async def tick(self) -> bool:
        """Does one step. Whether there may be more: not when every erasure waits, or is in another pod's hands."""
        async with self._pool.acquire() as acquired, acquired.transaction():
            connection = cast(asyncpg.Connection, acquired)
            running = await erasure.lock_next(connection, self._last, list(self._resting))
            if running is None:
                self._resting.clear()
                return False
            step = await _step(connection, running)
            await erasure.advance(connection, running.id, step)
        self._last = running.id
        if step.waits:
            self._resting.add(running.id)
        metrics.ERASED.inc(step.erased)
        if step.place is None:
            log.info("erasure.finished", account=running.account_id, erasure=running.id, erased=running.erased)
        return True


async def _step(connection: asyncpg.Connection, running: Running) -> Step:
    match running.place.phase:
        case Phase.EVENTS:
            one = _erase_one if running.event_id is not None else _erase_some
            return await one(connection, running)
        case Phase.QUEUE:
            return await _cancel(connection, running)
        case Phase.DELIVERIES:
            if running.event_id is None:
                return await _wipe_some(connection, running)
            await erasing.wipe_of_event(connection, running)
            return Step(place=None)


async def _erase_one(connection: asyncpg.Connection, running: Running) -> Step:
    if running.place.key:
        return await _events_done(connection)
    erased = await erasing.erase_event(connection, running)
    return Step(place=Place(Phase.EVENTS, None, running.event_id or ""), erased=erased)


async def _erase_some(connection: asyncpg.Connection, running: Running) -> Step:
    day = running.place.moment or await erasing.first_day(connection)
    if day >= running.published_until:
        return await _events_done(connection)
    found = await erasing.erase_events(connection, running, day, running.place.key)
    return Step(place=_further(Phase.EVENTS, day, found["reached"]), erased=found["changed"])


async def _events_done(connection: asyncpg.Connection) -> Step:
    """A step of its own, so that its moment is later than the commit of what was erased."""
    return Step(place=Place(Phase.QUEUE, await erasing.now(connection), "0"))


async def _cancel(connection: asyncpg.Connection, running: Running) -> Step:
    moment = running.place.moment
    found = await erasing.cancel(connection, running, int(running.place.key))
    if found["stop"] is not None:
        return Step(place=Place(Phase.QUEUE, moment, str(found["stop"] - 1)), waits=not found["changed"])
    if found["reached"] is not None:
        return Step(place=Place(Phase.QUEUE, moment, str(found["reached"])))
    return Step(place=Place(Phase.DELIVERIES, await erasing.first_day(connection), ""))


async def _wipe_some(connection: asyncpg.Connection, running: Running) -> Step:
    day = cast(datetime, running.place.moment)
    if day >= await erasing.now(connection):
        return Step(place=None)
    found = await erasing.wipe(connection, running, day, int(running.place.key or 0))
    return Step(place=_further(Phase.DELIVERIES, day, found["reached"]))


def _further(phase: Phase, day: datetime, reached: object) -> Place:
    return Place(phase, day + erasing.DAY, "") if reached is None else Place(phase, day, str(reached))
