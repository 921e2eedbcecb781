"""`python -m bench.api`: a GET of a subscription under load, interleaved with an answer that the gateway gives by itself.

Starts a throwaway platform (or takes a running one), makes subscriptions, runs pairs of saturated rounds (the constant,
then the GET), then GETs at a fixed rate beside deliveries, prints a table and, with --save, writes a file to bench/results.

Invariant: exit code 0 only if every answer was 200 and every event of the deliveries beside it arrived; a missed goal is
printed, not punished.
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import command, machine, programs
from bench.api_figures import COUNTED, ReadLatency, ReadPair, ReadRound
from bench.api_report import ApiReport
from bench.command import say
from bench.database import read_settings
from bench.figures import Verdict, verdict_of
from bench.product import Product
from bench.rounds import drained
from bench.stage import Stage, stage

LIMIT_SECONDS = 220
DELIVERIES_PER_SECOND = 500.0
EVENTS_A_CALL = 10
# One token reads all: it is counted, but never told to wait.
UNTHROTTLED = {"RUNHOOK_GATEWAY_TOKEN_RATE": "0"}
_WARM_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """How much is run: pairs of rounds, seconds of each part, runs at the fixed rate, connections (and subscriptions)."""

    pairs: int
    constant_seconds: float
    get_seconds: float
    runs: int
    run_seconds: float
    rate: float
    connections: int


class Ground:
    """What all rounds share: the platform, the URLs that are read, the processes that are watched."""

    def __init__(self, product: Product, subscription_ids: list[str], connections: int) -> None:
        webhooks = f"{product.gateway_url}/api/v3/accounts/{product.account_id}/webhooks"
        self.product = product
        self._gets = [f"{webhooks}/subscription/{one}" for one in subscription_ids]
        self._constant = [f"{product.gateway_url}/healthz"]
        self._connections = connections
        self._watch = {name: pid for name, pid in product.processes().items() if name in COUNTED}

    async def pair(self, constant_seconds: float, get_seconds: float) -> ReadPair:
        """The constant, then the GET, each saturated."""
        return ReadPair(
            constant=await self._round(self._constant, constant_seconds), get=await self._round(self._gets, get_seconds)
        )

    async def steady(self, rate: float, seconds: float, receiver: programs.Receiver) -> ReadLatency:
        """GETs at `rate` beside what is being delivered to the receiver."""
        before = await receiver.control.seen()
        told = await self._read(self._gets, seconds, rate=rate)
        after = await receiver.control.seen()
        return ReadLatency(
            rate=rate,
            deliveries_per_second=(after.received - before.received) / (after.monotonic_ns - before.monotonic_ns) * 1e9,
            requests=told["requests"],
            p50_ms=told["p50_ms"],
            p99_ms=told["p99_ms"],
            late_p99_ms=told["late_p99_ms"],
        )

    async def _round(self, urls: list[str], seconds: float) -> ReadRound:
        told = await self._read(urls, seconds)
        return ReadRound(rate=told["rate"], cpu_us=told["cpu_us"])

    async def _read(self, urls: list[str], seconds: float, rate: float = 0.0) -> dict[str, Any]:
        return await programs.read(
            urls,
            self.product.token,
            self._watch,
            seconds=seconds,
            warm_seconds=_WARM_SECONDS,
            connections=self._connections,
            rate=rate,
        )


async def bench(options: Options, data_dir: Path | None) -> ApiReport:
    """Runs everything. ProductError or ProgramError when a part fails."""
    here = machine.describe()
    async with stage(options.connections, data_dir, told=UNTHROTTLED) as set_up:
        ground = Ground(set_up.product, set_up.ids, options.connections)
        pairs = await run_pairs(ground, options)
        latencies, verdict = await run_beside_deliveries(ground, set_up, options)
        return ApiReport(
            machine=here,
            postgres=await read_settings(set_up.database),
            options={**vars(options), "platform": "running" if data_dir else "throwaway"},
            pairs=pairs,
            latencies=latencies,
            verdict=verdict,
        )


async def run_pairs(ground: Ground, options: Options) -> list[ReadPair]:
    """The pairs, after one short pair that is not kept."""
    await ground.pair(0.5, 1.0)
    pairs = []
    for number in range(1, options.pairs + 1):
        pair = await ground.pair(options.constant_seconds, options.get_seconds)
        pairs.append(pair)
        say(f"pair {number} of {options.pairs}: constant {pair.constant.rate:,.0f}/s, GET {pair.get.rate:,.0f}/s")
    return pairs


async def run_beside_deliveries(ground: Ground, set_up: Stage, options: Options) -> tuple[list[ReadLatency], Verdict]:
    """The fixed rate `runs` times while events are published and delivered, and what became of those events."""
    if not options.runs:
        return [], verdict_of(set(), set(), 0)
    say(f"{options.rate:.0f} GETs/s beside {DELIVERIES_PER_SECOND:.0f} deliveries/s")
    receiver, ids = set_up.receiver, set_up.folder / "ids"
    async with programs.publisher(
        set_up.product, set_up.load, receiver.control_url, ids, rate=DELIVERIES_PER_SECOND, batch=EVENTS_A_CALL
    ) as publishing:
        await asyncio.sleep(_WARM_SECONDS)
        latencies = [await ground.steady(options.rate, options.run_seconds, receiver) for _ in range(options.runs)]
        await publishing.finish()
    published = publishing.acknowledged()
    seen = await drained(receiver.control, len(published))
    return latencies, verdict_of(published, await receiver.control.events(), seen.duplicates)


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = command.parser("bench.api", "Load test of a read through the API.")
    command.add_platform(options)
    options.add_argument("--pairs", type=int, default=5, help="pairs of rounds (5)")
    options.add_argument("--constant-seconds", type=float, default=3.0, help="of each round of the constant (3)")
    options.add_argument("--get-seconds", type=float, default=5.0, help="of each round of the GET (5)")
    options.add_argument("--runs", type=int, default=5, help="at the fixed rate (5); 0: none")
    options.add_argument("--run-seconds", type=float, default=6.0, help="of each of them (6)")
    options.add_argument("--rate", type=float, default=200.0, help="GETs a second, beside deliveries (200)")
    options.add_argument("--connections", type=int, default=32, help="as many read a subscription each (32)")
    return options


def main() -> int:
    """Exit code 1 when an answer was not 200, an event was lost or a part failed."""
    arguments = vars(parser().parse_args())
    data_dir, name = arguments.pop("platform"), arguments.pop("save")
    return command.carry_out(lambda: bench(Options(**arguments), data_dir), LIMIT_SECONDS, name)


if __name__ == "__main__":
    sys.exit(main())
