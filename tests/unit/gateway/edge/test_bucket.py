"""Token buckets, by table and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.bucket import BURST_SECONDS, Buckets, take


def test_a_full_bucket_gives_its_burst_at_once_then_one_by_one() -> None:
    buckets = Buckets(10.0, 100)
    assert [buckets.take("a", 5.0) for _ in range(20)] == [0.0] * 20
    assert buckets.take("a", 5.0) == pytest.approx(0.1)
    assert buckets.take("a", 5.05) == pytest.approx(0.05)
    assert buckets.take("a", 5.1) == 0.0
    assert buckets.take("a", 5.1) == pytest.approx(0.1)
    assert [buckets.take("a", 100.0) for _ in range(20)] == [0.0] * 20
    assert buckets.take("a", 100.0) > 0


@pytest.mark.parametrize(
    ("full_at", "now", "rate", "burst", "after", "wait"),
    [
        (0.0, 10.0, 1.0, 2.0, 11.0, 0.0),
        (10.0, 10.0, 1.0, 2.0, 11.0, 0.0),
        (11.0, 10.0, 1.0, 2.0, 12.0, 0.0),
        (12.0, 10.0, 1.0, 2.0, 12.0, 1.0),
        (11.5, 10.0, 1.0, 2.0, 11.5, 0.5),
        (10.0, 10.0, 0.5, 1.0, 12.0, 0.0),
        (12.0, 10.0, 0.5, 1.0, 12.0, 2.0),
    ],
)
def test_levels(full_at: float, now: float, rate: float, burst: float, after: float, wait: float) -> None:
    assert list(take(full_at, now, rate, burst)) == pytest.approx([after, wait])


GAPS = st.lists(st.floats(0, 2, allow_nan=False), max_size=200)


@given(GAPS, st.floats(0.5, 50))
def test_no_span_of_time_gets_more_than_the_rate_and_one_burst(gaps: list[float], rate: float) -> None:
    buckets, now, taken = Buckets(rate, 10), 0.0, []
    for gap in gaps:
        now += gap
        if buckets.take("a", now) == 0:
            taken.append(now)
    burst = max(1.0, rate * BURST_SECONDS)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + rate * (taken[last] - taken[first]) + 1e-6


@given(GAPS, st.floats(0.5, 50))
def test_who_waits_as_long_as_it_was_told_is_served(gaps: list[float], rate: float) -> None:
    buckets, now = Buckets(rate, 10), 0.0
    for gap in gaps:
        now += gap
        told = buckets.wait("a", now)
        wait = buckets.take("a", now)
        assert wait == told
        if wait:
            now += wait
            assert buckets.take("a", now) == 0


@given(st.lists(st.integers(0, 20), max_size=100))
def test_the_least_recently_used_buckets_go_first(keys: list[int]) -> None:
    buckets = Buckets(1.0, 5)
    for key in keys:
        buckets.take(key, 0.0)
    recent = list(dict.fromkeys(reversed(keys)))
    assert len(buckets) == min(5, len(recent))
    assert all((key in buckets) is (key in recent[:5]) for key in range(21))


def test_a_rate_of_zero_is_no_limit_and_a_forgotten_bucket_a_full_one() -> None:
    endless, slow = Buckets(0, 10), Buckets(0.1, 10)
    assert {endless.take("a", 0.0) for _ in range(1000)} == {0.0}
    assert [slow.take("a", 0.0) > 0 for _ in range(2)] == [False, True]
    slow.forget("a")
    assert slow.wait("a", 0.0) == 0
    assert slow.take("a", 0.0) == 0
