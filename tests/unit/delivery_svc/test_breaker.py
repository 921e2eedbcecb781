"""When an endpoint is left alone, row by row."""

import pytest

from delivery_svc.breaker import NO_BREAKER, Breaker, BreakerPolicy, after, openings_in, shut_for

POLICY = BreakerPolicy()
CLOSED = Breaker()
NINE = Breaker(failed_attempts=9)
OPEN = Breaker(failed_attempts=10, open_until=105.0, openings=1)


@pytest.mark.parametrize(
    ("before", "moment", "now", "expected"),
    [
        # (recovered, failed, began)
        (CLOSED, (False, 9, 100.0), 100.0, NINE),
        (CLOSED, (False, 10, 100.0), 100.0, OPEN),
        (NINE, (False, 1, 100.0), 100.0, OPEN),
        (NINE, (True, 0, 100.0), 100.0, CLOSED),
        (NINE, (True, 2, 100.0), 100.0, Breaker(failed_attempts=2)),
        (NINE, (True, 10, 100.0), 100.0, OPEN),
        (NINE, (False, 0, 100.0), 100.0, NINE),  # a test was all there was
        # Begun before it opened: no probe, whenever it ends.
        (OPEN, (False, 6, 100.0), 101.0, Breaker(failed_attempts=16, open_until=105.0, openings=1)),
        (OPEN, (False, 1, 100.0), 106.0, Breaker(failed_attempts=11, open_until=105.0, openings=1)),
        # The probe; of a pod whose clock is behind, too.
        (OPEN, (False, 1, 102.5), 106.0, Breaker(failed_attempts=11, open_until=116.0, openings=2)),
        (OPEN, (False, 1, 105.0), 106.0, Breaker(failed_attempts=11, open_until=116.0, openings=2)),
        (OPEN, (True, 0, 105.0), 106.0, CLOSED),
        (OPEN, (True, 0, 99.0), 101.0, CLOSED),  # whoever succeeds, it is alive
    ],
)
def test_the_rule_row_by_row(before: Breaker, moment: tuple[bool, int, float], now: float, expected: Breaker) -> None:
    recovered, failed, began = moment
    assert after(before, recovered=recovered, failed=failed, began=began, now=now, policy=POLICY) == expected


def test_every_failed_probe_doubles_the_time_up_to_the_longest() -> None:
    breaker, now, times = CLOSED, 0.0, []
    for _ in range(9):
        breaker = after(breaker, recovered=False, failed=10, began=now, now=now, policy=POLICY)
        assert breaker.open_until is not None
        times.append(breaker.open_until - now)
        now = breaker.open_until
    assert times == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_an_age_of_failed_probes_overflows_nothing() -> None:
    old = Breaker(failed_attempts=10**6, open_until=1.0, openings=10**6)
    assert after(old, recovered=False, failed=1, began=1.0, now=1.0, policy=POLICY).open_until == 301.0


def test_without_a_breaker_nothing_opens_and_what_was_open_is_closed_by_the_next_attempt() -> None:
    assert after(CLOSED, recovered=False, failed=10**6, began=1.0, now=1.0, policy=NO_BREAKER).open_until is None
    assert after(OPEN, recovered=False, failed=1, began=106.0, now=106.0, policy=NO_BREAKER).open_until is None


@pytest.mark.parametrize("seconds", [0.0, 4.9, 5.0, 5.1, 315.0, 316.0, 86_400.0, 604_800.0])
def test_the_least_number_of_openings_that_takes_so_long(seconds: float) -> None:
    openings = openings_in(seconds, POLICY)
    assert shut_for(openings, POLICY) >= seconds
    assert openings == 0 or shut_for(openings - 1, POLICY) < seconds
