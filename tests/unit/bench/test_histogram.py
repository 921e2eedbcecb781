"""The histogram keeps every value, to within 1/64, and yields the figures of a stretch of time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.histogram import LONGEST, Histogram, bounds_of, bucket_of

MICROSECONDS = st.integers(min_value=0, max_value=LONGEST)


@given(MICROSECONDS)
def test_a_value_is_within_its_bucket_and_the_bucket_is_narrow(value: int) -> None:
    low, high = bounds_of(bucket_of(value))
    assert low <= value < high
    assert high - low <= max(1, low / 64)


@given(MICROSECONDS)
def test_the_next_bucket_begins_where_one_ends(value: int) -> None:
    _, high = bounds_of(bucket_of(value))
    assert bucket_of(high) == bucket_of(value) + 1


@given(st.lists(MICROSECONDS, min_size=1), st.sampled_from([0.01, 0.5, 0.99, 1.0]))
def test_a_quantile_is_the_value_of_that_rank(values: list[int], share: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    rank = max(1, -int(-share * len(values) // 1))
    exact_ms = sorted(values)[rank - 1] / 1000
    assert histogram.quantile_ms(share) == pytest.approx(exact_ms, rel=1 / 64, abs=0.001)


def test_what_came_after_a_moment_is_the_difference_of_two_histograms() -> None:
    histogram = Histogram()
    histogram.record(1_000)
    earlier = Histogram(histogram.counts())
    for _ in range(3):
        histogram.record(50_000)
    after = histogram.since(earlier)
    assert after.total() == 3
    assert after.quantile_ms(0.01) == pytest.approx(50, rel=1 / 64)


def test_a_clock_that_went_back_and_an_absurd_value_are_counted_at_the_ends() -> None:
    histogram = Histogram()
    histogram.record(-5)
    histogram.record(LONGEST * 10)
    assert histogram.counts() == {0: 1, bucket_of(LONGEST): 1}


def test_nothing_recorded_has_no_quantile() -> None:
    assert Histogram().quantile_ms(0.5) is None
