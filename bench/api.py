"""`python -m bench.api`: a GET of a subscription under load, interleaved with an answer that the gateway gives by itself.

Starts a throwaway platform (or takes a running one), makes subscriptions, runs pairs of saturated rounds (the constant,
then the GET), then GETs at a fixed rate beside deliveries, prints a table and, with --save, writes a file to bench/results.

Invariant: exit code 0 only if every answer was 200 and every event of the deliveries beside it arrived; a missed goal is
printed, not punished.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from bench import machine, programs
from bench.api_figures import COUNTED, ReadLatency, ReadPair, ReadRound
from bench.api_report import ApiReport
from bench.database import read_settings
from bench.figures import Verdict, verdict_of
from bench.outbound import RESULTS, new_load
from bench.payload import Load
from bench.product import Product, ProductError, read_product, throwaway
from bench.rounds import drained
from bench.subscriptions import subscribed

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
    """Runs everything. ProductError or ProgramError when a part fails, TimeoutError beyond LIMIT_SECONDS."""
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(asyncio.timeout(LIMIT_SECONDS))
        here = machine.describe()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runhook-bench-")))
        product = read_product(data_dir) if data_dir else await stack.enter_async_context(throwaway(**UNTHROTTLED))
        receiver = await stack.enter_async_context(programs.receiver(options.connections))
        load = new_load(product, options.connections)
        ids = await stack.enter_async_context(subscribed(product, receiver.urls, load.first_job_id))
        database = await asyncpg.connect(product.database_url)
        stack.push_async_callback(database.close)
        ground = Ground(product, ids, options.connections)
        pairs = await run_pairs(ground, options)
        latencies, verdict = await run_beside_deliveries(ground, receiver, load, folder / "ids", options)
        return ApiReport(
            machine=here,
            postgres=await read_settings(database),
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
        _say(f"pair {number} of {options.pairs}: constant {pair.constant.rate:,.0f}/s, GET {pair.get.rate:,.0f}/s")
    return pairs


async def run_beside_deliveries(
    ground: Ground, receiver: programs.Receiver, load: Load, ids: Path, options: Options
) -> tuple[list[ReadLatency], Verdict]:
    """The fixed rate `runs` times while events are published and delivered, and what became of those events."""
    if not options.runs:
        return [], verdict_of(set(), set(), 0)
    _say(f"{options.rate:.0f} GETs/s beside {DELIVERIES_PER_SECOND:.0f} deliveries/s")
    async with programs.publisher(
        ground.product, load, receiver.control_url, ids, rate=DELIVERIES_PER_SECOND, batch=EVENTS_A_CALL
    ) as publishing:
        await asyncio.sleep(_WARM_SECONDS)
        latencies = [await ground.steady(options.rate, options.run_seconds, receiver) for _ in range(options.runs)]
        await publishing.finish()
    published = publishing.acknowledged()
    seen = await drained(receiver.control, len(published))
    return latencies, verdict_of(published, await receiver.control.events(), seen.duplicates)


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = argparse.ArgumentParser(prog="python -m bench.api", description="Load test of a read through the API.")
    options.add_argument("--pairs", type=int, default=5, help="pairs of rounds (5)")
    options.add_argument("--constant-seconds", type=float, default=3.0, help="of each round of the constant (3)")
    options.add_argument("--get-seconds", type=float, default=5.0, help="of each round of the GET (5)")
    options.add_argument("--runs", type=int, default=5, help="at the fixed rate (5); 0: none")
    options.add_argument("--run-seconds", type=float, default=6.0, help="of each of them (6)")
    options.add_argument("--rate", type=float, default=200.0, help="GETs a second, beside deliveries (200)")
    options.add_argument("--connections", type=int, default=32, help="as many read a subscription each (32)")
    options.add_argument(
        "--platform", type=Path, metavar="DATA_DIR", help="use the standalone that runs on this DATA_DIR"
    )
    options.add_argument("--save", metavar="NAME", help="write bench/results/<NAME>.json")
    return options


def main() -> int:
    """Exit code 1 when an answer was not 200, an event was lost or a part failed."""
    arguments = vars(parser().parse_args())
    if not Path("/proc/self/schedstat").exists():
        print("bench: needs Linux: the CPU figures come from /proc", file=sys.stderr)
        return 1
    data_dir, name = arguments.pop("platform"), arguments.pop("save")
    try:
        report = asyncio.run(bench(Options(**arguments), data_dir))
    except TimeoutError:
        print(f"bench: not done within {LIMIT_SECONDS} s", file=sys.stderr)
        return 1
    except (ProductError, programs.ProgramError, OSError, asyncpg.PostgresError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(report.as_text())
    if name:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(report.as_json(), indent=2) + "\n")
    return 1 if report.verdict.lost or report.verdict.stray else 0


if __name__ == "__main__":
    sys.exit(main())
