"""Draining a stock: what a delivery costs at its beginning, at its end and in between.

Invariant: the first tenth and the last tenth are as many deliveries each as came, not as were meant to.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from bench import stock
from bench.control import Seen
from bench.meter import Meter, Moment, Stretch, stretch
from bench.programs import ProgramError
from bench.stage import Stage

_LOOK_SECONDS = 0.01
_PATIENCE_SECONDS = 60.0
LEFT = """
select count(*) as rows, count(lease_id) as leased, count(*) filter (where parked) as parked, sum(attempts) as attempts
  from delivery.queue
"""


@dataclass(frozen=True, kw_only=True)
class Drained:
    """One drain. `resident_bytes` is the most that delivery_svc was, `due` how many were due when it began, `missing` how
    many of them did not come."""

    due: int
    first: Stretch
    last: Stretch
    whole: Stretch
    resident_bytes: int
    missing: int

    @property
    def flatness(self) -> float:
        """Postgres' CPU time per delivery in the first tenth over that in the last."""
        return self.first.postgres_us / self.last.postgres_us


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a drain went: the moments of the first delivery, a tenth, nine tenths and all of them."""

    moments: list[Moment]
    resident_bytes: int
    missing: int


async def drain(set_up: Stage, count: int) -> Drained:
    """Lays in `count` deliveries over all endpoints and watches them go. ProgramError when nothing moves for a minute, or
    when there are too few to be told apart."""
    course = await emptied(set_up, count)
    first, tenth, nine_tenths, last = course.moments
    return Drained(
        due=count,
        first=stretch(first, tenth),
        last=stretch(nine_tenths, last),
        whole=stretch(first, last),
        resident_bytes=course.resident_bytes,
        missing=course.missing,
    )


async def emptied(set_up: Stage, count: int) -> Course:
    """The same, not judged: for warming up."""
    subscriptions = await stock.numbers(set_up.database, set_up.ids)
    control = set_up.receiver.control
    processes = set_up.product.processes()
    meter = Meter(control, set_up.database, processes)
    async with stock.stopped(set_up.product, set_up.database):
        await stock.lay_in(set_up.database, set_up.load, subscriptions, count)
        before = await control.seen()
    marks = [before.received + part for part in (1, max(2, count // 10), count - count // 10, count)]
    most = 0
    moments: list[Moment] = []
    async for seen in _moving(set_up, before):
        most = max(most, resident_bytes(processes["delivery_svc"]))
        if seen.received >= marks[len(moments)]:
            moments.append(await meter.moment(seen))
        if len(moments) == len(marks):
            break
    missing = count - (sum(moments[-1].seen.events_per_endpoint) - sum(before.events_per_endpoint))
    return Course(moments=moments, resident_bytes=most, missing=missing)


async def _moving(set_up: Stage, seen: Seen) -> AsyncIterator[Seen]:
    """What the receiver has seen, again and again while it grows."""
    moved_at, received = time.monotonic(), seen.received
    while time.monotonic() - moved_at < _PATIENCE_SECONDS:
        seen = await set_up.receiver.control.seen()
        if seen.received > received:
            moved_at, received = time.monotonic(), seen.received
        yield seen
        await asyncio.sleep(_LOOK_SECONDS)
    left = dict(await set_up.database.fetchrow(LEFT) or {})
    raise ProgramError(f"nothing more was delivered for {_PATIENCE_SECONDS:.0f} s; in the queue: {left}")


@contextlib.asynccontextmanager
async def held_snapshot(database_url: str) -> AsyncIterator[None]:
    """Somebody else's transaction that has looked once and does not end: nothing that dies meanwhile can be vacuumed."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.fetchval("select count(*) from delivery.pod")
            yield
    finally:
        await connection.close()


def resident_bytes(pid: int) -> int:
    """Resident memory of a process. FileNotFoundError when it is gone."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
