"""The goals of the outbound journey, as ratios and CPU time, never as absolute rates.

Invariant: a goal says what it asks, what was found, and whether it is met; it never fails the bench, a loss does.
"""

from dataclasses import dataclass

from bench.figures import Pair, spread_of

LEAST_RATE_RATIO = 0.15
GREATEST_PROCESSES_US = 400.0


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
