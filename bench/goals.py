"""The goals of the outbound journey and of the API, as ratios, CPU time and latencies, never as absolute rates.

Invariant: a goal says what it asks, what was found, and whether it is met; it never fails the bench, a loss does.
"""

from collections.abc import Callable

from bench.api_figures import ReadLatency, ReadPair
from bench.figures import Latency, Pair, Spread, spread_of
from bench.goal import Goal, at_least, at_most

# What must be, and what is aimed at.
DELIVERY_CPU_RATIO = (0.45, 0.55)
RATE_RATIO = (0.30, 0.50)
ALL_US = (200.0, 130.0)
POSTGRES_RATIO = (2.0, 1.4)
WAL_BYTES = (3000.0, 2200.0)
P50_MS = (15.0, 4.0)
P99_MS = (120.0, 45.0)
LEAST_READ_RATIO = 0.12
GREATEST_READ_US = 1600.0
GREATEST_READ_P99_MS = 50.0


def goals_of(pairs: list[Pair], latencies: list[Latency]) -> list[Goal]:
    """Every goal of the outbound journey that was measured, judged by the median pair."""
    ratios = [pair.postgres_cpu_ratio for pair in pairs]
    all_us = [sum(pair.product.product_us.values()) for pair in pairs if pair.postgres_cpu_ratio is not None]
    delivering = "deliveries per CPU-second of delivery_svc, publishing included, over the bare sender's requests"
    end_to_end = "deliveries/s end to end over the bare sender's requests/s"
    postgres = "Postgres CPU-us per delivery over the bare sender's CPU-us per request"
    goals = [
        _judged(at_least, delivering, DELIVERY_CPU_RATIO, spread_of(pair.delivery_cpu_ratio for pair in pairs)),
        _judged(at_least, end_to_end, RATE_RATIO, spread_of(pair.rate_ratio for pair in pairs)),
        _judged(at_most, "CPU-us per delivery of all product processes and Postgres", ALL_US, spread_of(all_us)),
        _judged(at_most, postgres, POSTGRES_RATIO, spread_of(ratio for ratio in ratios if ratio is not None)),
        _judged(
            at_most,
            "bytes of write-ahead log per delivery",
            WAL_BYTES,
            spread_of(pair.product.wal_bytes for pair in pairs),
        ),
        *(goal for latency in latencies for goal in _goals_of_latency(latency)),
    ]
    return [goal for goal in goals if goal is not None]


def _goals_of_latency(latency: Latency) -> list[Goal]:
    at = f"publish to receive at {latency.rate:.0f}/s, ms"
    judged = (("p50", P50_MS, latency.p50_ms), ("p99", P99_MS, latency.p99_ms))
    return [at_most(f"{quantile} of {at}", *bounds, found) for quantile, bounds, found in judged if found is not None]


def goals_of_reads(pairs: list[ReadPair], latencies: list[ReadLatency]) -> list[Goal]:
    """The goals of the API; those of the latency only if it was measured."""
    goals = [
        _judged(
            at_least,
            "GETs/s of a subscription over the gateway's constants/s",
            (LEAST_READ_RATIO, None),
            spread_of(pair.rate_ratio for pair in pairs),
        ),
        _judged(
            at_most,
            "CPU-us per GET of gateway, subscription_svc and Postgres",
            (GREATEST_READ_US, None),
            spread_of(pair.get.product_us for pair in pairs),
        ),
        _judged(
            at_most,
            "p99 of a GET beside deliveries, ms",
            (GREATEST_READ_P99_MS, None),
            spread_of(latency.p99_ms for latency in latencies),
        ),
    ]
    return [goal for goal in goals if goal is not None]


def _judged(
    judge: Callable[[str, float, float | None, float], Goal],
    text: str,
    bounds: tuple[float, float | None],
    found: Spread | None,
) -> Goal | None:
    return judge(text, *bounds, found.median) if found else None
