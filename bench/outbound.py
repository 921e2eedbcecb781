"""`make bench`: the outbound journey under load, interleaved with the bare sender (`python -m bench.outbound`).

Starts a throwaway platform (or takes a running one), makes the subscriptions, runs pairs of rounds and then the fixed
rates, compares the publisher's log with the receiver's, prints a table and, with --save, writes a file to
bench/results.

Invariant: exit code 0 only if every acknowledged event has arrived where it belongs; a missed goal is printed, not
punished.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import command, machine, programs
from bench.command import say
from bench.database import read_settings
from bench.figures import Latency, Pair, verdict_of
from bench.report import Report
from bench.rounds import Ground
from bench.stage import stage

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
    """Runs everything. ProductError or ProgramError when a part fails."""
    here = machine.describe()
    async with programs.receiver(options.endpoints) as bare_receiver, stage(options.endpoints, data_dir) as set_up:
        ground = Ground(set_up.product, set_up.receiver, set_up.database, set_up.load, set_up.folder)
        pairs = await run_pairs(ground, bare_receiver.urls, options)
        latencies = await run_rates(ground, options)
        seen = await set_up.receiver.control.seen()
        return Report(
            machine=here,
            postgres=await read_settings(set_up.database),
            options={**vars(options), "platform": "running" if data_dir else "throwaway"},
            pairs=pairs,
            latencies=latencies,
            verdict=verdict_of(ground.published, await set_up.receiver.control.events(), seen.duplicates),
            body_bytes=seen.body_bytes / max(seen.received, 1),
        )


async def run_pairs(ground: Ground, bare_urls: list[str], options: Options) -> list[Pair]:
    """The bare sender and the platform in turn, after one short round of each that is not kept; a loss ends it."""
    say("warming up")
    await ground.bare(bare_urls, 1.0, options.connections)
    await ground.saturated(0.5, 1.5)
    pairs = []
    for number in range(1, options.pairs + 1):
        if not ground.complete:
            break
        bare = await ground.bare(bare_urls, options.bare_seconds, options.connections)
        product = await ground.saturated(options.warm_seconds, options.product_seconds)
        pairs.append(Pair(bare=bare, product=product))
        say(f"pair {number} of {options.pairs}: bare {bare.rate:,.0f}/s, platform {product.rate:,.0f}/s")
    return pairs


async def run_rates(ground: Ground, options: Options) -> list[Latency]:
    """The fixed rates, one after the other; none after a loss."""
    latencies = []
    for rate, batch in RATES if options.latency_seconds else ():
        if not ground.complete:
            break
        say(f"{rate:.0f} events/s")
        latencies.append(await ground.steady(rate, batch, options.latency_seconds))
    return latencies


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = command.parser("bench.outbound", "Load test of the outbound journey.")
    command.add_platform(options)
    options.add_argument("--pairs", type=int, default=5, help="pairs of rounds (5)")
    options.add_argument("--bare-seconds", type=float, default=4.0, help="of each bare round (4)")
    options.add_argument("--warm-seconds", type=float, default=1.5, help="not measured, of each product round (1.5)")
    options.add_argument("--product-seconds", type=float, default=6.0, help="measured, of each product round (6)")
    options.add_argument(
        "--latency-seconds", type=float, default=12.0, help="measured, of each fixed rate; 0: none (12)"
    )
    options.add_argument("--endpoints", type=int, default=100, help="how many, each a port of its own (100)")
    options.add_argument("--connections", type=int, default=100, help="of the bare sender (100)")
    return options


def main() -> int:
    """Exit code 1 when an event was lost or a part failed."""
    arguments = vars(parser().parse_args())
    data_dir, name = arguments.pop("platform"), arguments.pop("save")
    return command.carry_out(lambda: bench(Options(**arguments), data_dir), LIMIT_SECONDS, name)


if __name__ == "__main__":
    sys.exit(main())
