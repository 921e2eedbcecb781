"""Does a delivery cost more when three pods share the work than when one has it all?

Pairs of rounds at the same fixed rate: one pod, then three, each called with a third of the events. The further pods are
started for their round and are gone in the other.
"""

import asyncio
import contextlib
import dataclasses
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from bench import programs
from bench.finding import Finding, Options, lost, spreads
from bench.goal import at_most
from bench.meter import Meter, Stretch, stretch
from bench.pods import Pod, pod
from bench.rounds import DRAIN_SECONDS, drained
from bench.stage import Stage, stage

RATIO = (1.15, 1.05)
PODS = 3
WARM_SECONDS = 3.0
_BATCH = 20


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A round of one pod and the round of three that followed it."""

    one: Stretch
    three: Stretch

    @property
    def ratio(self) -> float:
        """CPU time per delivery of all pods and Postgres, three over one."""
        return cost(self.three) / cost(self.one)


def cost(round_: Stretch) -> float:
    """CPU microseconds per delivery of the pods and Postgres."""
    return round_.pods_us + round_.postgres_us


def limit(options: Options) -> float:
    """Seconds that it takes at most."""
    return 120 + options.pairs * 2 * (WARM_SECONDS + options.seconds + DRAIN_SECONDS + 10)


def set_up(options: Options) -> AbstractAsyncContextManager[Stage]:
    """The platform as it is by default."""
    return stage(options.endpoints)


async def run(here: Stage, options: Options) -> Finding:
    """Runs it, after one short round of one pod that is not kept."""
    rounds = Rounds(here)
    await rounds.measured([], options.rate, min(options.seconds, 2.0))
    pairs = []
    for number in range(options.pairs):
        one = await rounds.measured([], options.rate, options.seconds)
        async with contextlib.AsyncExitStack() as stack:
            further = [
                await stack.enter_async_context(
                    pod(here.product, f"delivery_svc-{place}", here.folder / f"pod-{number}-{place}.log")
                )
                for place in range(1, PODS)
            ]
            three = await rounds.measured(further, options.rate, options.seconds)
        pairs.append(Pair(one=one, three=three))
    missing = rounds.published - await here.receiver.control.events()
    return found(pairs, len(missing))


class Rounds:
    """Rounds at a fixed rate; `published` is all that was acknowledged in any of them."""

    def __init__(self, here: Stage) -> None:
        self.published: set[tuple[int, str]] = set()
        self._here = here
        self._loads = 0

    async def measured(self, further: list[Pod], rate: float, seconds: float) -> Stretch:
        """One round, its events in equal parts to the platform's own pod and the further ones."""
        here = self._here
        pids = {**here.product.processes(), **{one.name: one.pid for one in further}}
        meter = Meter(here.receiver.control, here.database, pids)
        addresses = [here.product.delivery_address, *(one.address for one in further)]
        async with contextlib.AsyncExitStack() as stack:
            publishing = [
                await stack.enter_async_context(self._publisher(address, rate / len(addresses)))
                for address in addresses
            ]
            await asyncio.sleep(WARM_SECONDS)
            start = await meter.moment()
            await asyncio.sleep(seconds)
            end = await meter.moment()
            await asyncio.gather(*(one.finish() for one in publishing))
        for one in publishing:
            self.published |= one.acknowledged()
        await drained(here.receiver.control, len(self.published))
        return stretch(start, end)

    def _publisher(self, address: str, rate: float) -> AbstractAsyncContextManager[programs.Publishing]:
        here = self._here
        self._loads += 1
        load = dataclasses.replace(here.load, prefix=f"{here.load.prefix}-{self._loads}")
        return programs.publisher(
            here.product,
            load,
            here.receiver.control_url,
            here.folder / f"{load.prefix}.ids",
            rate=rate,
            batch=_BATCH,
            address=address,
        )


def found(pairs: list[Pair], missing: int) -> Finding:
    """Figures and goal."""
    figures = spreads(
        cpu_ratio=[pair.ratio for pair in pairs],
        one_delivery_svc_us=[pair.one.pods_us for pair in pairs],
        three_delivery_svc_us=[pair.three.pods_us for pair in pairs],
        one_postgres_us=[pair.one.postgres_us for pair in pairs],
        three_postgres_us=[pair.three.postgres_us for pair in pairs],
        one_deliveries_per_second=[pair.one.rate for pair in pairs],
        three_deliveries_per_second=[pair.three.rate for pair in pairs],
    )
    text = "CPU-us per delivery of delivery_svc and Postgres, three pods over one"
    return Finding(
        part="pods",
        figures=figures,
        goals=[at_most(text, *RATIO, figures["cpu_ratio"].median)],
        failures=lost(missing),
    )
