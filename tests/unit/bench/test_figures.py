"""Rounds become figures: ratios inside a pair, medians over pairs, and a verdict from the two logs."""

import pytest

from bench.figures import BareRound, Pair, ProductRound, spread_of, verdict_of
from bench.goals import goals_of


def pair(*, bare_rate: float = 20_000, deliveries: int = 6_000, delivery_us: float = 80.0) -> Pair:
    return Pair(
        bare=BareRound(rate=bare_rate, cpu_us=40.0),
        product=ProductRound(
            deliveries=deliveries,
            seconds=2.0,
            product_us={"delivery_svc": delivery_us, "gateway": 20.0, "postgres": 45.0},
            bench_us={"receiver": 15.0},
            wal_bytes=1_900.0,
        ),
    )


def test_a_pairs_ratios_are_to_its_own_bare_round() -> None:
    made = pair()
    assert made.product.rate == 3_000
    assert made.rate_ratio == pytest.approx(0.15)
    assert made.delivery_cpu_ratio == pytest.approx(0.5)
    assert made.product_cpu_ratio == pytest.approx(0.4)


def test_postgres_is_counted_apart_from_the_products_processes() -> None:
    made = pair().product
    assert (made.processes_us, made.postgres_us) == (100.0, 45.0)


def test_a_spread_is_the_median_with_its_ends_and_nothing_of_nothing() -> None:
    spread = spread_of([5.0, 1.0, 100.0])
    assert spread is not None
    assert (spread.median, spread.least, spread.greatest) == (5.0, 1.0, 100.0)
    assert spread_of([]) is None


@pytest.mark.parametrize(
    ("made", "met"),
    [
        (pair(deliveries=6_000, delivery_us=380.0), [True, True]),
        (pair(deliveries=5_999, delivery_us=380.5), [False, False]),
    ],
)
def test_a_goal_is_met_at_its_bound_and_missed_beyond(made: Pair, met: list[bool]) -> None:
    assert [goal.met for goal in goals_of([made])] == met


def test_goals_are_judged_by_the_median_pair() -> None:
    pairs = [pair(deliveries=1), pair(deliveries=8_000), pair(deliveries=9_000)]
    assert goals_of(pairs)[0].found == pytest.approx(0.2)
    assert goals_of([]) == []


def test_what_was_acknowledged_and_did_not_arrive_is_lost_also_when_it_arrived_elsewhere() -> None:
    verdict = verdict_of({(0, "wev_a"), (1, "wev_b"), (2, "wev_c")}, {(0, "wev_a"), (0, "wev_b")}, duplicates=4)
    assert (verdict.published, verdict.lost, verdict.stray, verdict.duplicates) == (3, 2, 1, 4)
