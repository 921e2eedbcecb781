"""The database's clock is carried along truly, however slowly a reading of it comes back."""

from datetime import datetime, timedelta

import pytest

from chassis import clock as clock_module
from chassis.clock import EPOCH, DatabaseClock

AHEAD = 1_700_000_000.0  # of the database's clock, before the pod's monotonic one


class Monotonic:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Monotonic:
    made = Monotonic()
    monkeypatch.setattr(clock_module, "time", made)
    return made


def _moment(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def _read(clock: DatabaseClock, time: Monotonic, *, there: float, back: float, ahead: float = AHEAD) -> None:
    asked = time.seconds
    time.seconds += there
    answer = _moment(ahead + time.seconds)
    time.seconds += back
    clock.set(answer, asked=asked)


def _error(clock: DatabaseClock, time: Monotonic, ahead: float = AHEAD) -> float:
    return round((clock.now() - _moment(ahead + time.seconds)).total_seconds(), 4)


def test_a_clock_that_was_never_read_tells_no_time() -> None:
    with pytest.raises(RuntimeError, match="never read"):
        DatabaseClock().now()


def test_a_quick_reading_makes_up_for_a_slow_one_and_a_slow_one_spoils_nothing(time: Monotonic) -> None:
    clock = DatabaseClock()
    _read(clock, time, there=0.1, back=0.5)
    assert _error(clock, time) == -0.5
    _read(clock, time, there=0.001, back=0.001)
    assert _error(clock, time) == -0.001
    for _ in range(10):
        time.seconds += 2
        _read(clock, time, there=0.05, back=0.3)
        assert _error(clock, time) == -0.001


@pytest.mark.parametrize("step", [-3600.0, -0.5, 0.5, 3600.0])
def test_a_step_of_the_databases_clock_is_followed_at_once(time: Monotonic, step: float) -> None:
    clock = DatabaseClock()
    _read(clock, time, there=0.001, back=0.001)
    _read(clock, time, there=0.01, back=0.01, ahead=AHEAD + step)
    assert abs(_error(clock, time, AHEAD + step)) <= 0.01
