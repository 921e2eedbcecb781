"""The window rule by itself: thousands of histories, the same oracle as for the SQL function."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_svc.window import EMPTY_PAYLOAD_BYTES, Head, Window, take_in

START = datetime(2026, 1, 1, tzinfo=UTC)


def a_head(threshold: int = 3, seconds: int = 10, max_bytes: int = 100) -> Head:
    return Head(threshold=threshold, duration=timedelta(seconds=seconds), max_bytes=max_bytes)


def test_the_call_that_fills_a_window_closes_it() -> None:
    head, closed = take_in(a_head(threshold=3), [10] * 7, START)
    assert [(window.size, window.close_reason) for window in closed] == [(3, "threshold"), (3, "threshold")]
    assert head.window is not None
    assert head.window.size == 1
    assert head.next_seq == 8


def test_a_threshold_of_one_makes_every_call_a_window() -> None:
    head, closed = take_in(a_head(threshold=1), [10] * 3, START)
    assert [(window.first_seq, window.size) for window in closed] == [(1, 1), (2, 1), (3, 1)]
    assert head.window is None


@pytest.mark.parametrize(("seconds", "joins"), [(9.999999, True), (10, False), (10.5, False)])
def test_a_call_at_the_deadline_or_later_never_joins(seconds: float, joins: bool) -> None:
    head, _ = take_in(a_head(), [10], START)
    head, closed = take_in(head, [10], START + timedelta(seconds=seconds))
    assert [window.close_reason for window in closed] == ([] if joins else ["deadline"])
    assert head.window is not None
    assert head.window.size == (2 if joins else 1)


def test_a_call_that_does_not_fit_closes_the_window_before_it() -> None:
    head, closed = take_in(a_head(max_bytes=21), [10, 10, 10], START)
    assert [(window.size, window.bytes, window.close_reason) for window in closed] == [(2, 21, "bytes")]
    assert head.window is not None
    assert head.window.bytes == EMPTY_PAYLOAD_BYTES + 10


def test_an_open_window_keeps_its_threshold_and_deadline() -> None:
    head, _ = take_in(a_head(threshold=3, seconds=10), [10], START)
    edited = Head(
        threshold=1,
        duration=timedelta(seconds=1),
        max_bytes=head.max_bytes,
        next_seq=head.next_seq,
        window=head.window,
    )
    edited, closed = take_in(edited, [10, 10, 10], START + timedelta(seconds=5))
    assert [(window.size, window.threshold) for window in closed] == [(3, 3), (1, 1)]


HISTORY = st.lists(st.tuples(st.integers(0, 4_000), st.lists(st.integers(2, 99), min_size=1, max_size=8)), max_size=12)


@given(threshold=st.integers(1, 6), max_bytes=st.integers(100, 300), history=HISTORY)
def test_every_history_keeps_the_invariants(
    threshold: int, max_bytes: int, history: list[tuple[int, list[int]]]
) -> None:
    head, windows, now = a_head(threshold=threshold, seconds=5, max_bytes=max_bytes), list[Window](), START
    for milliseconds, sizes in history:
        now += timedelta(milliseconds=milliseconds)
        head, closed = take_in(head, sizes, now)
        windows += closed
    calls = sum(len(sizes) for _, sizes in history)
    assert sum(window.size for window in windows) + (head.window.size if head.window else 0) == calls
    assert head.next_seq == calls + 1
    expected_first = 1
    for window in windows:
        assert window.first_seq == expected_first
        expected_first += window.size
        assert 1 <= window.size <= window.threshold
        assert window.bytes <= max_bytes
        assert window.closed_at is not None
        assert (window.close_reason == "threshold") == (window.size == window.threshold)
        assert (window.closed_at < window.deadline_at) or window.close_reason != "bytes"
        if window.close_reason == "deadline":
            assert window.closed_at >= window.deadline_at
