"""What does delivering cost when publishing is counted apart?

Pairs of a round of the bare sender and a drain of a small stock: nobody publishes, so what delivery_svc uses is claiming,
sending and recording. Claiming is work that a delivery which was just published does not have; it is not taken off.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from bench import programs, stock
from bench.drain import Drained, drain, emptied
from bench.figures import BareRound
from bench.finding import Finding, Options, lost, spreads
from bench.goal import at_least
from bench.stage import Stage, stage

RATIO = (0.55, 0.70)
WARM_COUNT = 2_000
MOST_ROWS = 20_000
BARE_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A round of the bare sender and the drain that followed it."""

    bare: BareRound
    drained: Drained

    @property
    def ratio(self) -> float:
        """Deliveries per CPU-second of delivery_svc over the bare sender's requests per CPU-second."""
        return self.bare.cpu_us / self.drained.whole.pods_us


def limit(options: Options) -> float:
    """Seconds that it takes at most."""
    return 90 + (options.pairs + 1) * (BARE_SECONDS + 60)


def set_up(options: Options) -> AbstractAsyncContextManager[Stage]:
    """The platform as it is by default."""
    return stage(options.endpoints)


async def run(here: Stage, options: Options) -> Finding:
    """Runs it, after a small drain that is not kept."""
    count = min(options.count, MOST_ROWS)
    async with programs.receiver(options.endpoints) as bare_receiver:
        await emptied(here, WARM_COUNT)
        pairs = [await _pair(here, bare_receiver.urls, count) for _ in range(options.pairs)]
    return found(pairs)


async def _pair(here: Stage, bare_urls: list[str], count: int) -> Pair:
    told = await programs.send_bare(bare_urls, BARE_SECONDS, len(bare_urls))
    bare = BareRound(rate=told["rate"], cpu_us=told["cpu_us_per_request"])
    return Pair(bare=bare, drained=await drain(here, count))


def found(pairs: list[Pair]) -> Finding:
    """Figures and goal."""
    figures = spreads(
        per_cpu_second_ratio=[pair.ratio for pair in pairs],
        bare_us=[pair.bare.cpu_us for pair in pairs],
        delivery_svc_us=[pair.drained.whole.pods_us for pair in pairs],
        postgres_us=[pair.drained.whole.postgres_us for pair in pairs],
        deliveries_per_second=[pair.drained.whole.rate for pair in pairs],
        wal_bytes=[pair.drained.whole.wal_bytes for pair in pairs],
    )
    text = "deliveries per CPU-second of delivery_svc, nothing published meanwhile, over the bare sender's requests"
    return Finding(
        part="apart",
        figures=figures,
        goals=[at_least(text, *RATIO, figures["per_cpu_second_ratio"].median)],
        notes=[stock.NOTE, "claiming is included"],
        failures=lost(sum(pair.drained.missing for pair in pairs)),
    )
