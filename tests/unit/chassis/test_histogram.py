"""A histogram of groups shows what prometheus_client's own would, whatever the group's size."""

import random

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from chassis.histogram import SECONDS, GroupHistogram

BUCKETS = (0.001, 0.01, 0.1, 1.0)


def _ours(values: list[float], buckets: tuple[float, ...] = BUCKETS) -> str:
    registry = CollectorRegistry()
    histogram = GroupHistogram("some_seconds", "Some.", ["stage"], buckets=buckets, registry=registry)
    histogram.labels("one").observe_all(values)
    return generate_latest(registry).decode()


def _theirs(values: list[float], buckets: tuple[float, ...] = BUCKETS) -> str:
    registry = CollectorRegistry()
    child = Histogram("some_seconds", "Some.", ["stage"], buckets=buckets, registry=registry).labels("one")
    for value in values:
        child.observe(value)
    lines = generate_latest(registry).decode().splitlines(keepends=True)
    return "".join(line for line in lines if "_created" not in line)


def _but_the_sum(text: str) -> list[str]:
    return [line for line in text.splitlines() if "_sum" not in line]


@pytest.mark.parametrize("size", [0, 1, 2, 31, 32, 33, 1000])
def test_a_scrape_shows_the_same_as_the_clients_own_histogram(size: int) -> None:
    chance = random.Random(size)
    values = [chance.expovariate(20) for _ in range(size)]
    assert _but_the_sum(_ours(values, SECONDS)) == _but_the_sum(_theirs(values, SECONDS))


@pytest.mark.parametrize("repeats", [1, 40])
def test_a_value_at_a_bound_is_in_that_bounds_bucket_and_one_beyond_all_in_the_last(repeats: int) -> None:
    values = [0.0, 0.5, *BUCKETS, 2.0, 1e9] * repeats
    assert _ours(values) == _theirs(values)
    assert f'some_seconds_bucket{{le="0.001",stage="one"}} {2.0 * repeats}' in _ours(values)


def test_groups_add_up_under_each_label() -> None:
    registry = CollectorRegistry()
    histogram = GroupHistogram("some_seconds", "Some.", ["stage"], registry=registry)
    assert histogram.labels("one") is histogram.labels("one")
    histogram.labels("one").observe_all([0.5, 1.5])
    histogram.labels("one").observe_all([0.25])
    histogram.labels("two").observe_all([7.0])
    assert registry.get_sample_value("some_seconds_count", {"stage": "one"}) == 3
    assert registry.get_sample_value("some_seconds_sum", {"stage": "one"}) == 2.25
    assert registry.get_sample_value("some_seconds_sum", {"stage": "two"}) == 7.0


def test_a_name_or_a_set_of_labels_that_cannot_be_is_refused() -> None:
    registry = CollectorRegistry(auto_describe=True)  # as the one of every process
    histogram = GroupHistogram("some_seconds", "Some.", ["stage"], registry=registry)
    with pytest.raises(ValueError, match="some_seconds"):
        GroupHistogram("some_seconds", "Another.", registry=registry)
    with pytest.raises(ValueError, match="stage"):
        histogram.labels("one", "two")
