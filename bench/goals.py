"""The goals of the outbound journey and of the API, as ratios, CPU time and one latency, never as absolute rates.

Invariant: a goal says what it asks, what was found, and whether it is met; it never fails the bench, a loss does.
"""

from dataclasses import dataclass

from bench.api_figures import ReadLatency, ReadPair
from bench.figures import Pair, spread_of

LEAST_RATE_RATIO = 0.15
GREATEST_PROCESSES_US = 400.0
LEAST_READ_RATIO = 0.12
GREATEST_READ_US = 1600.0
GREATEST_READ_P99_MS = 50.0


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One goal against the median over the rounds."""

    text: str
    bound: float
    found: float
    met: bool


def goals_of(pairs: list[Pair]) -> list[Goal]:
    """Every goal, judged; none without a pair."""
    ratio = spread_of(pair.rate_ratio for pair in pairs)
    processes_us = spread_of(pair.product.processes_us for pair in pairs)
    if ratio is None or processes_us is None:
        return []
    return [
        Goal(
            text="deliveries/s end to end over the bare sender's requests/s, at least",
            bound=LEAST_RATE_RATIO,
            found=ratio.median,
            met=ratio.median >= LEAST_RATE_RATIO,
        ),
        Goal(
            text="CPU-us per delivery of all product processes without Postgres, at most",
            bound=GREATEST_PROCESSES_US,
            found=processes_us.median,
            met=processes_us.median <= GREATEST_PROCESSES_US,
        ),
    ]


def goals_of_reads(pairs: list[ReadPair], latencies: list[ReadLatency]) -> list[Goal]:
    """The goals of the API; those of the latency only if it was measured."""
    ratio = spread_of(pair.rate_ratio for pair in pairs)
    product_us = spread_of(pair.get.product_us for pair in pairs)
    p99_ms = spread_of(latency.p99_ms for latency in latencies)
    goals = []
    if ratio is not None and product_us is not None:
        goals += [
            Goal(
                text="GETs/s of a subscription over the gateway's constants/s, at least",
                bound=LEAST_READ_RATIO,
                found=ratio.median,
                met=ratio.median >= LEAST_READ_RATIO,
            ),
            Goal(
                text="CPU-us per GET of gateway, subscription_svc and Postgres, at most",
                bound=GREATEST_READ_US,
                found=product_us.median,
                met=product_us.median <= GREATEST_READ_US,
            ),
        ]
    if p99_ms is not None:
        goals.append(
            Goal(
                text="p99 of a GET beside deliveries, ms, below",
                bound=GREATEST_READ_P99_MS,
                found=p99_ms.median,
                met=p99_ms.median < GREATEST_READ_P99_MS,
            )
        )
    return goals
