"""How much memory does a thousand deliveries in flight take?

The receiver takes its time, events come at the rate that brings so many into flight, and the resident memory of delivery_svc
then is compared with what it was after a while at a tenth of it.
"""

import asyncio
import dataclasses
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import aiohttp

from bench import programs
from bench.drain import resident_bytes
from bench.finding import Finding, Options, lost, spreads
from bench.goal import at_most
from bench.programs import ProgramError
from bench.rounds import drained
from bench.stage import Stage, stage

MB_PER_THOUSAND = (12.0, 7.0)
DELAY_SECONDS = 4.0
_WARM_SHARE = 0.1
_BATCH = 10


@dataclass(frozen=True, kw_only=True)
class Load:
    """Deliveries in flight, and what delivery_svc took with them."""

    in_flight: int
    resident_bytes: int


def limit(options: Options) -> float:
    """Seconds that it takes at most."""
    return 120 + 2 * (2 * DELAY_SECONDS + options.seconds)


def set_up(options: Options) -> AbstractAsyncContextManager[Stage]:
    """A platform with slots and lanes that are wide enough, before a slow receiver."""
    lane_limit = max(16, 2 * options.in_flight // options.endpoints + 1)
    told = {
        "RUNHOOK_DELIVERY_SLOTS": str(2 * options.in_flight),
        "RUNHOOK_DELIVERY_LANE_LIMIT": str(min(lane_limit, 1000)),
    }
    return stage(options.endpoints, delay=DELAY_SECONDS, told=told)


async def run(here: Stage, options: Options) -> Finding:
    """Runs it."""
    few, missing_of_few = await _loaded(here, "few", options.in_flight * _WARM_SHARE, options.seconds)
    many, missing_of_many = await _loaded(here, "many", options.in_flight, options.seconds)
    return found(few, many, missing_of_few + missing_of_many)


async def _loaded(here: Stage, name: str, in_flight: float, seconds: float) -> tuple[Load, int]:
    """With about so many in flight, after everything has settled; and how many did not arrive."""
    pid = here.product.processes()["delivery_svc"]
    load = dataclasses.replace(here.load, prefix=f"{here.load.prefix}-{name}")
    before = sum((await here.receiver.control.seen()).events_per_endpoint)
    rate = in_flight / DELAY_SECONDS
    async with programs.publisher(
        here.product, load, here.receiver.control_url, here.folder / name, rate=rate, batch=_BATCH
    ) as publishing:
        await asyncio.sleep(2 * DELAY_SECONDS + seconds)
        made = Load(
            in_flight=int(await gauge(here.product.metrics["delivery_svc"], "runhook_delivery_in_flight")),
            resident_bytes=resident_bytes(pid),
        )
        await publishing.finish()
    published = len(publishing.acknowledged())
    seen = await drained(here.receiver.control, before + published)
    await asyncio.sleep(DELAY_SECONDS)
    return made, published - (sum(seen.events_per_endpoint) - before)


async def gauge(url: str, name: str) -> float:
    """A metric without labels. ProgramError when it is not there."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        for line in (await answer.text()).splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
    raise ProgramError(f"no metric {name}")


def found(few: Load, many: Load, missing: int) -> Finding:
    """Figures and goal. ProgramError when there were not more in flight the second time."""
    more = many.in_flight - few.in_flight
    if more <= 0:
        raise ProgramError(f"{many.in_flight} in flight, no more than the {few.in_flight} before")
    per_thousand = (many.resident_bytes - few.resident_bytes) / 1e6 / more * 1000
    return Finding(
        part="memory",
        figures=spreads(
            mb_per_thousand_in_flight=[per_thousand],
            in_flight_few=[few.in_flight],
            in_flight_many=[many.in_flight],
            resident_mb_few=[few.resident_bytes / 1e6],
            resident_mb_many=[many.resident_bytes / 1e6],
        ),
        goals=[at_most("MB of delivery_svc per 1,000 in flight", *MB_PER_THOUSAND, per_thousand)],
        failures=lost(missing),
    )
