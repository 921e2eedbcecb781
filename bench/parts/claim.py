"""What does a claim cost with a million due rows of one dead lane in front of what others wait for?

The platform's pod stands still (SIGSTOP) and its own statements are run as its own role: a claim of 100 rows with nothing in
front; with `count` parked rows of one lane in front, which is what publish and the dispatcher make of a dead lane, and a draw
from that lane; and with `count` rows that are not parked, the worst case, which a lane is in until somebody parks it. Each is
rolled back and repeated. At the end three connections claim at once, for good, and those that come back with less than they
asked for are counted.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from bench import stock
from bench.finding import Finding, Options, spreads
from bench.goal import at_most
from bench.pods import environment_of
from bench.stage import Stage, stage
from delivery_svc.store import lane, queue

MS = (5.0, 1.0)
EMPTY_SHARE = (0.01, 0.002)
LIMIT = 100
LANE_ROOM = 48
REPEATS = 30
CLAIMERS = 3
MOST_CLAIMS = 40
_EPOCH = 2**40  # nobody's: the statements ask for none that lives
EMPTY_TABLES = "truncate delivery.queue, delivery.event, delivery.lane"


@dataclass(frozen=True, kw_only=True)
class Claims:
    """Milliseconds of each claim that was made at once with others, and how many rows it brought."""

    ms: list[float]
    rows: list[int]

    @property
    def short_share(self) -> float:
        """Share of claims that brought less than they asked for, although more was due."""
        return sum(rows < LIMIT for rows in self.rows) / len(self.rows)


def limit(options: Options) -> float:
    """Seconds that it takes at most."""
    return 120 + 2 * options.count / 5000


def set_up(options: Options) -> AbstractAsyncContextManager[Stage]:
    """The platform as it is by default."""
    return stage(options.endpoints)


async def run(here: Stage, options: Options) -> Finding:
    """Runs it."""
    dead, *others = await stock.numbers(here.database, here.ids)
    times: dict[str, list[float]] = {}
    async with stock.stopped(here.product, here.database), _as_the_pod(here) as connections:
        mine = connections[0]
        await stock.lay_in(here.database, here.load, others, LIMIT, first_endpoint=1)
        times["claim_ms_nothing_in_front"] = await _timed(mine, lambda: _claim(mine))
        await here.database.execute(EMPTY_TABLES)
        await stock.lay_in(here.database, here.load, [dead], options.count, parked=True)
        await stock.lay_in(here.database, here.load, others, LIMIT, first_endpoint=1)
        times["claim_ms_parked_in_front"] = await _timed(mine, lambda: _claim(mine))
        times["draw_ms_parked"] = await _timed(mine, lambda: _draw(mine))
        buffers = await _buffers(mine)
        await here.database.execute(EMPTY_TABLES)
        await stock.lay_in(here.database, here.load, [dead], options.count)
        await stock.lay_in(here.database, here.load, others, LIMIT, first_endpoint=1)
        times["claim_ms_unparked_in_front"] = await _timed(mine, lambda: _claim(mine))
        together = await _together(connections, options.count)
    return found(times, buffers, together, options.count)


@asynccontextmanager
async def _as_the_pod(here: Stage) -> AsyncIterator[list["asyncpg.Connection[asyncpg.Record]"]]:
    url = environment_of(here.product.processes()["delivery_svc"])["RUNHOOK_DATABASE_URL"]
    connections = [await asyncpg.connect(url) for _ in range(CLAIMERS)]
    try:
        yield connections
    finally:
        for connection in connections:
            await connection.close()


async def _timed(
    connection: "asyncpg.Connection[asyncpg.Record]", work: Callable[[], Awaitable[object]]
) -> list[float]:
    """Milliseconds of each repetition, the first (it prepares) left out."""
    times = []
    for _ in range(REPEATS + 1):
        transaction = connection.transaction()
        await transaction.start()
        began = time.perf_counter()
        await work()
        times.append((time.perf_counter() - began) * 1000)
        await transaction.rollback()
    return times[1:]


async def _claim(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    return len(await connection.fetch(queue.CLAIM, _EPOCH, LIMIT, None))


async def _draw(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    lanes = await lane.due_lanes(connection, [], LIMIT)
    await lane.draw(connection, _EPOCH, dict.fromkeys(lanes, LANE_ROOM), LIMIT)
    await lane.set_next_due(connection, list(lanes), [], 1.0)


async def _buffers(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """Pages that a claim touches, as EXPLAIN ANALYZE counts them."""
    statement = queue.CLAIM.replace("$1", str(_EPOCH)).replace("$2", str(LIMIT)).replace("$3", "null")
    async with connection.transaction():
        told = await connection.fetchval(f"explain (analyze, buffers, format json) {statement}")
        await connection.execute("update delivery.queue set lease_id = null where lease_id = $1", _EPOCH)
    [explained] = json.loads(told)
    plan = explained["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


async def _together(connections: list["asyncpg.Connection[asyncpg.Record]"], count: int) -> Claims:
    made = Claims(ms=[], rows=[])
    each = max(1, min(MOST_CLAIMS, count // LIMIT // len(connections)))

    async def claim(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        for _ in range(each):
            began = time.perf_counter()
            made.rows.append(await _claim(connection))
            made.ms.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*(claim(connection) for connection in connections))
    return made


def found(times: dict[str, list[float]], buffers: int, together: Claims, count: int) -> Finding:
    """Figures and goals."""
    figures = spreads(
        **times, claim_ms_three_at_once=together.ms, short_claims_share=[together.short_share], claim_pages=[buffers]
    )
    text = f"ms of a claim of {LIMIT} rows with {count:,} due rows of one dead lane in front"
    return Finding(
        part="claim",
        figures=figures,
        goals=[
            at_most(f"{text}, parked", *MS, figures["claim_ms_parked_in_front"].median),
            at_most(f"{text}, not parked", *MS, figures["claim_ms_unparked_in_front"].median),
            at_most("share of claims, three at once, that came back short", *EMPTY_SHARE, together.short_share),
        ],
        notes=[stock.NOTE, f"{REPEATS} repetitions each, as the role of delivery_svc, measured at the client"],
    )
