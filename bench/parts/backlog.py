"""Does a delivery stay as cheap from the first to the last of a backlog? And how much memory does a backlog take?

Three drains of `count` deliveries that are due at once: the first warms up and is small, then one as it is, then one while
somebody holds a snapshot open.
"""

from contextlib import AbstractAsyncContextManager

from bench import drain, stock
from bench.drain import Drained
from bench.drain import drain as drained
from bench.finding import Finding, Options, lost, spreads
from bench.goal import at_least, at_most
from bench.stage import Stage, stage

FLATNESS = (0.85, 0.95)
FLATNESS_HELD = (0.60, 0.85)
RESIDENT_MB = (200.0, 120.0)
JUDGED_COUNT = 1_000_000
WARM_COUNT = 2_000
SLOWEST_RATE = 500.0


def limit(options: Options) -> float:
    """Seconds that it takes at most."""
    return 120 + 2 * options.count / SLOWEST_RATE


def set_up(options: Options) -> AbstractAsyncContextManager[Stage]:
    """The platform as it is by default."""
    return stage(options.endpoints)


async def run(here: Stage, options: Options) -> Finding:
    """Runs it."""
    await drain.emptied(here, WARM_COUNT)
    free = await drained(here, options.count)
    held = await _drained_under_a_snapshot(here, options.count)
    return found(free, held)


async def _drained_under_a_snapshot(here: Stage, count: int) -> Drained:
    async with drain.held_snapshot(here.product.database_url):
        return await drained(here, count)


def found(free: Drained, held: Drained) -> Finding:
    """Figures and goals of the two drains."""
    resident_mb = max(free.resident_bytes, held.resident_bytes) / 1e6
    named = {
        f"{how}_{name}": [value]
        for how, one in (("free", free), ("held", held))
        for name, value in {
            "deliveries_per_second": one.whole.rate,
            "delivery_svc_us": one.whole.pods_us,
            "postgres_us": one.whole.postgres_us,
            "postgres_us_first_tenth": one.first.postgres_us,
            "postgres_us_last_tenth": one.last.postgres_us,
            "wal_bytes": one.whole.wal_bytes,
            "flatness": one.flatness,
        }.items()
    }
    few = [] if free.due >= JUDGED_COUNT else [f"{free.due:,} rows: the goals are meant for {JUDGED_COUNT:,}"]
    flat = f"Postgres CPU-us per delivery, first tenth over last of {free.due:,}"
    return Finding(
        part="backlog",
        figures=spreads(resident_mb=[resident_mb], **named),
        goals=[
            at_least(flat, *FLATNESS, free.flatness),
            at_least(f"{flat}, with a snapshot held open", *FLATNESS_HELD, held.flatness),
            at_most(f"MB resident of delivery_svc with {free.due:,} due", *RESIDENT_MB, resident_mb),
        ],
        notes=[stock.NOTE, *few],
        failures=lost(free.missing + held.missing),
    )
