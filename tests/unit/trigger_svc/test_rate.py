"""A trigger gets its rate, a second's worth at once, and is told when to come again."""

import pytest

from trigger_svc.rate import Allowance


def test_a_seconds_worth_goes_at_once_and_then_one_by_one() -> None:
    allowance = Allowance.full(10.0, 0.0)
    assert [allowance.take(10.0, 0.0) for _ in range(10)] == [0.0] * 10
    assert allowance.take(10.0, 0.0) == pytest.approx(0.1)
    assert allowance.take(10.0, 0.05) == pytest.approx(0.05)
    assert allowance.take(10.0, 0.11) == 0.0
    assert allowance.take(10.0, 0.11) > 0.0


def test_less_than_one_a_second_is_one_now_and_then() -> None:
    allowance = Allowance.full(0.1, 0.0)
    assert allowance.take(0.1, 0.0) == 0.0
    assert allowance.take(0.1, 4.0) == pytest.approx(6.0)
    assert allowance.take(0.1, 10.5) == 0.0


def test_nothing_is_saved_up_beyond_a_second() -> None:
    allowance = Allowance.full(5.0, 0.0)
    taken = sum(allowance.take(5.0, 3600.0) == 0.0 for _ in range(100))
    assert taken == 5
