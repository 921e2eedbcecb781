"""Rounds become figures: ratios inside a pair, medians over pairs, and a verdict from the two logs."""

import dataclasses

import pytest

from bench.figures import BareRound, Latency, Pair, ProductRound, spread_of, verdict_of
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


def test_what_postgres_costs_is_told_beside_the_bare_sender_only_if_it_runs_here() -> None:
    assert pair().postgres_cpu_ratio == pytest.approx(45 / 40)
    elsewhere = dataclasses.replace(pair().product, product_us={"delivery_svc": 80.0})
    assert dataclasses.replace(pair(), product=elsewhere).postgres_cpu_ratio is None
    goals = goals_of([dataclasses.replace(pair(), product=elsewhere)], [])
    assert [goal.text.split()[0] for goal in goals] == ["deliveries", "deliveries/s", "bytes"]


def latency(p50_ms: float | None, p99_ms: float | None) -> Latency:
    return Latency(
        rate=500.0,
        batch=10,
        deliveries=100,
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        ack_p50_ms=1.0,
        ack_p99_ms=2.0,
        late_p99_ms=0.1,
    )


@pytest.mark.parametrize(
    ("made", "met", "reached"),
    [
        # Ratios 0.55 and 0.50, 130 us in all, 31 us / 40 us, 1,900 bytes: at the aim or better.
        (pair(deliveries=20_000, delivery_us=40 / 0.55), [True] * 5, [True, True, False, True, True]),
        (pair(deliveries=12_000, delivery_us=40 / 0.45), [True] * 5, [False, False, False, True, True]),
        (pair(deliveries=11_999, delivery_us=135.5), [False, False, False, True, True], [False] * 3 + [True] * 2),
    ],
)
def test_a_goal_is_met_at_its_bound_and_missed_beyond(made: Pair, met: list[bool], reached: list[bool]) -> None:
    goals = goals_of([made], [])
    assert [goal.met for goal in goals] == met
    assert [goal.reached for goal in goals] == reached


def test_each_latency_has_two_goals_and_one_that_was_not_measured_has_none() -> None:
    goals = goals_of([], [latency(15.0, 45.0), latency(None, 120.1)])
    assert [(goal.met, goal.reached) for goal in goals] == [(True, False), (True, True), (False, False)]


def test_goals_are_judged_by_the_median_pair() -> None:
    pairs = [pair(deliveries=1), pair(deliveries=8_000), pair(deliveries=9_000)]
    assert goals_of(pairs, [])[1].found == pytest.approx(0.2)
    assert goals_of([], []) == []


def test_what_was_acknowledged_and_did_not_arrive_is_lost_also_when_it_arrived_elsewhere() -> None:
    verdict = verdict_of({(0, "wev_a"), (1, "wev_b"), (2, "wev_c")}, {(0, "wev_a"), (0, "wev_b")}, duplicates=4)
    assert (verdict.published, verdict.lost, verdict.stray, verdict.duplicates) == (3, 2, 1, 4)
    assert verdict.failed
