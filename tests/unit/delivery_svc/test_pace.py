"""A lane's pace: a burst of one second, then so many a second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery_svc.pace import Pace


def _sent(pace: Pace, now: float) -> int:
    """As many as may go now."""
    sent = 0
    while pace.tokens(now) >= 1:
        pace.spend(now)
        sent += 1
    return sent


@pytest.mark.parametrize(
    ("per_second", "burst", "a_second_later"), [(5.0, 5, 5), (1.0, 1, 1), (0.25, 1, 0), (2.5, 2, 2)]
)
def test_a_second_of_it_goes_at_once_and_then_so_many_a_second(
    per_second: float, burst: int, a_second_later: int
) -> None:
    pace = Pace(per_second, 100.0)
    assert _sent(pace, 100.0) == burst
    assert _sent(pace, 100.0) == 0
    assert _sent(pace, 101.0) in (a_second_later, a_second_later + 1)  # halves add up


def test_a_long_rest_saves_no_more_than_a_second() -> None:
    pace = Pace(10.0, 0.0)
    assert _sent(pace, 1e6) == 10


def test_a_pace_that_is_lowered_holds_at_once() -> None:
    pace = Pace(100.0, 0.0)
    pace.change(2.0, 0.0)
    assert _sent(pace, 0.0) == 2


@given(st.floats(0.01, 1000), st.lists(st.floats(0, 5), max_size=50))
def test_no_stretch_of_time_sees_more_than_its_rate_and_one_burst(per_second: float, pauses: list[float]) -> None:
    pace, now, sent = Pace(per_second, 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        sent += _sent(pace, now)
        assert sent <= pace.burst + now * per_second + 1e-6
