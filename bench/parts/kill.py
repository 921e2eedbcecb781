"""How long after kill -9 of a pod is all of its work delivered by the one that is left?

A further pod takes events until it has all its slots and its waiting room full (the receiver takes its time), the platform's
own pod has a load beside it; then the further one is killed and never comes back. Its work is every event that it had
acknowledged; the receiver's log says when the last of these came.
"""

import asyncio
import dataclasses
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from bench import programs
from bench.finding import Finding, Options, lost, spreads
from bench.goal import at_most
from bench.pods import pod
from bench.stage import Stage, stage

SECONDS = (20.0, 8.0)
DELAY_SECONDS = 0.5
SURVIVORS_SHARE = 0.25
_BATCH = 20
_PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.2
UNFINISHED = "select exists (select from delivery.queue where id <= $1)"
NEWEST = "select last_value from delivery.delivery_id"


@dataclass(frozen=True, kw_only=True)
class Kill:
    """One kill. Seconds from then until the last of the pod's events had come, and until nothing that was in the queue then
    was there any more; `late` are those that came after it, `missing` those that did not come."""

    delivered_seconds: float
    settled_seconds: float
    late: int
    missing: int
    duplicates: int


def limit(options: Options) -> float:
    """Seconds that it takes at most."""
    return 90 + options.pairs * (options.seconds + _PATIENCE_SECONDS + 30)


def set_up(options: Options) -> AbstractAsyncContextManager[Stage]:
    """The platform as it is by default, before a receiver that takes half a second."""
    return stage(options.endpoints, delay=DELAY_SECONDS)


async def run(here: Stage, options: Options) -> Finding:
    """Runs it, as often as there are pairs."""
    kills = []
    for number in range(options.pairs):
        async with (
            pod(here.product, f"victim-{number}", here.folder / f"victim-{number}.log") as victim,
            _publishing(
                here, f"beside-{number}", options.rate * SURVIVORS_SHARE, here.product.delivery_address
            ) as beside,
            _publishing(here, f"victim-{number}", options.rate, victim.address) as publishing,
        ):
            await asyncio.sleep(2 + options.seconds)
            before = (await here.receiver.control.seen()).duplicates
            newest = await here.database.fetchval(NEWEST)
            killed_ns = time.time_ns()
            victim.kill()
            await publishing.finish()
            kills.append(await _watched(here, publishing.acknowledged(), killed_ns, newest, before))
            await beside.finish()
        await asyncio.sleep(2 * DELAY_SECONDS)
    return found(kills)


def _publishing(here: Stage, name: str, rate: float, address: str) -> AbstractAsyncContextManager[programs.Publishing]:
    load = dataclasses.replace(here.load, prefix=f"{here.load.prefix}-{name}")
    return programs.publisher(
        here.product,
        load,
        here.receiver.control_url,
        here.folder / f"{name}.ids",
        rate=rate,
        batch=_BATCH,
        address=address,
        until_away=True,
    )


async def _watched(here: Stage, work: set[tuple[int, str]], killed_ns: int, newest: int, duplicates: int) -> Kill:
    """Looks until all has come and nothing of then is left, or patience is over."""
    settled = float("inf")
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    # No timeout around a question: the answer to one that was given up would be taken for the next one's.
    while time.monotonic() < give_up_at:
        if settled == float("inf") and not await here.database.fetchval(UNFINISHED, newest):
            settled = (time.time_ns() - killed_ns) / 1e9
        if settled < float("inf") and work <= await here.receiver.control.events():
            break
        await asyncio.sleep(_LOOK_SECONDS)
    seen = await here.receiver.control.seen()
    arrivals = await here.receiver.control.arrivals()
    return judged(work, arrivals, killed_ns, settled, seen.duplicates - duplicates)


def judged(
    work: set[tuple[int, str]],
    arrivals: Mapping[tuple[int, str], int],
    killed_ns: int,
    settled_seconds: float,
    duplicates: int,
) -> Kill:
    """What the receiver's log says of a dead pod's work."""
    came = [arrivals[one] for one in work if one in arrivals]
    return Kill(
        delivered_seconds=max(0.0, (max(came, default=killed_ns) - killed_ns) / 1e9),
        settled_seconds=settled_seconds,
        late=sum(arrived_ns > killed_ns for arrived_ns in came),
        missing=len(work) - len(came),
        duplicates=duplicates,
    )


def found(kills: list[Kill]) -> Finding:
    """Figures and goal, which is judged by the slower of two things: the last arrival, and the last row gone."""
    worst = [max(kill.delivered_seconds, kill.settled_seconds) for kill in kills]
    figures = spreads(
        seconds_until_done=worst,
        delivered_seconds=[kill.delivered_seconds for kill in kills],
        settled_seconds=[kill.settled_seconds for kill in kills],
        events_that_came_after=[kill.late for kill in kills],
        duplicates=[kill.duplicates for kill in kills],
    )
    return Finding(
        part="kill",
        figures=figures,
        goals=[
            at_most(
                "seconds from kill -9 until all of the pod's work is delivered by another",
                *SECONDS,
                figures["seconds_until_done"].greatest,
            )
        ],
        notes=["judged by the slowest kill"],
        failures=lost(sum(kill.missing for kill in kills)),
    )
