"""`make bench`: the outbound journey under load, interleaved with the bare sender (`python -m bench.outbound`).

Starts a throwaway platform (or takes a running one), makes the subscriptions, runs pairs of rounds and then the fixed
rates, compares the publisher's log with the receiver's, prints a table and, with --save, writes a file to
bench/results.

Invariant: exit code 0 only if every acknowledged event has arrived where it belongs; a missed goal is printed, not
punished.
"""

import argparse
import asyncio
import contextlib
import json
import secrets
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from bench import machine, programs
from bench.database import read_settings
from bench.figures import Latency, Pair, verdict_of
from bench.payload import Load
from bench.product import Product, ProductError, read_product, throwaway
from bench.report import Report
from bench.rounds import Ground
from bench.subscriptions import subscribed

RESULTS = Path(__file__).with_name("results")
LIMIT_SECONDS = 220
# (events a second, events a call): the batches are small, so that an event waits for few others.
RATES = ((500.0, 10), (2000.0, 20))


@dataclass(frozen=True, kw_only=True)
class Options:
    """How much is run: pairs of rounds, seconds of each part, endpoints, connections of the bare sender."""

    pairs: int
    bare_seconds: float
    warm_seconds: float
    product_seconds: float
    latency_seconds: float
    endpoints: int
    connections: int


async def bench(options: Options, data_dir: Path | None) -> Report:
    """Runs everything. ProductError or ProgramError when a part fails, TimeoutError beyond LIMIT_SECONDS."""
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(asyncio.timeout(LIMIT_SECONDS))
        here = machine.describe()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runhook-bench-")))
        product = read_product(data_dir) if data_dir else await stack.enter_async_context(throwaway())
        bare_receiver = await stack.enter_async_context(programs.receiver(options.endpoints))
        receiver = await stack.enter_async_context(programs.receiver(options.endpoints))
        load = new_load(product, options.endpoints)
        _say(f"{options.endpoints} subscriptions")
        await stack.enter_async_context(subscribed(product, receiver.urls, load.first_job_id))
        database = await asyncpg.connect(product.database_url)
        stack.push_async_callback(database.close)
        ground = Ground(product, receiver, database, load, folder)
        pairs = await run_pairs(ground, bare_receiver.urls, options)
        latencies = await run_rates(ground, options)
        seen = await receiver.control.seen()
        return Report(
            machine=here,
            postgres=await read_settings(database),
            options={**vars(options), "platform": "running" if data_dir else "throwaway"},
            pairs=pairs,
            latencies=latencies,
            verdict=verdict_of(ground.published, await receiver.control.events(), seen.duplicates),
            body_bytes=seen.body_bytes / max(seen.received, 1),
        )


def new_load(product: Product, endpoints: int) -> Load:
    """A load whose jobs and request ids are nobody else's."""
    return Load(
        account_id=product.account_id,
        first_job_id=1_000_000_000 + secrets.randbelow(1_000_000_000),
        endpoints=endpoints,
        prefix=f"bench-{secrets.token_hex(6)}",
    )


async def run_pairs(ground: Ground, bare_urls: list[str], options: Options) -> list[Pair]:
    """The bare sender and the platform in turn, after one short round of each that is not kept; a loss ends it."""
    _say("warming up")
    await ground.bare(bare_urls, 1.0, options.connections)
    await ground.saturated(0.5, 1.5)
    pairs = []
    for number in range(1, options.pairs + 1):
        if not ground.complete:
            break
        bare = await ground.bare(bare_urls, options.bare_seconds, options.connections)
        product = await ground.saturated(options.warm_seconds, options.product_seconds)
        pairs.append(Pair(bare=bare, product=product))
        _say(f"pair {number} of {options.pairs}: bare {bare.rate:,.0f}/s, platform {product.rate:,.0f}/s")
    return pairs


async def run_rates(ground: Ground, options: Options) -> list[Latency]:
    """The fixed rates, one after the other; none after a loss."""
    latencies = []
    for rate, batch in RATES if options.latency_seconds else ():
        if not ground.complete:
            break
        _say(f"{rate:.0f} events/s")
        latencies.append(await ground.steady(rate, batch, options.latency_seconds))
    return latencies


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = argparse.ArgumentParser(prog="python -m bench.outbound", description="Load test of the outbound journey.")
    options.add_argument("--pairs", type=int, default=5, help="pairs of rounds (5)")
    options.add_argument("--bare-seconds", type=float, default=4.0, help="of each bare round (4)")
    options.add_argument("--warm-seconds", type=float, default=1.5, help="not measured, of each product round (1.5)")
    options.add_argument("--product-seconds", type=float, default=6.0, help="measured, of each product round (6)")
    options.add_argument(
        "--latency-seconds", type=float, default=12.0, help="measured, of each fixed rate; 0: none (12)"
    )
    options.add_argument("--endpoints", type=int, default=100, help="how many, each a port of its own (100)")
    options.add_argument("--connections", type=int, default=100, help="of the bare sender (100)")
    options.add_argument(
        "--platform", type=Path, metavar="DATA_DIR", help="use the standalone that runs on this DATA_DIR"
    )
    options.add_argument("--save", metavar="NAME", help="write bench/results/<NAME>.json")
    return options


def main() -> int:
    """Exit code 1 when an event was lost or a part failed."""
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
