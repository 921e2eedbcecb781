"""Who is told to wait, by a clock that the test moves."""

import pytest

from gateway.edge.throttle import MOST_TOKENS, PARALLEL, Throttle
from gateway.http_errors import HttpError


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def refused(throttle: Throttle, token: bytes | None, address: str = "192.0.2.1") -> str | None:
    """The reason when a request may not enter; one that may stays."""
    try:
        throttle.enter(token, address)
    except HttpError as error:
        return f"{error.status} {error.reason}" if error.retry_after else None
    return None


def visit(throttle: Throttle, token: bytes | None, status: int, address: str = "192.0.2.1") -> str | None:
    """One whole request."""
    try:
        guest = throttle.enter(token, address)
    except HttpError as error:
        return error.reason
    throttle.leave(guest, status)
    return None


def test_a_client_with_few_requests_under_way_is_never_refused(clock: Clock) -> None:
    throttle = Throttle(1, 0, clock=clock)
    for _ in range(100):
        guests = [throttle.enter(b"Bearer a", "192.0.2.1") for _ in range(PARALLEL)]
        for guest in guests:
            throttle.leave(guest, 200)


def test_beyond_them_a_token_has_its_rate_under_whatever_scheme(clock: Clock) -> None:
    throttle = Throttle(10, 0, clock=clock)
    assert [refused(throttle, scheme) for scheme in [b"Bearer a", b"Token a"] * 10] == [None] * 20
    assert refused(throttle, b"Bearer a") == "429 TOKEN_RATE"
    assert refused(throttle, b"Bearer b") is None
    clock.now += 0.1
    assert [refused(throttle, b"Bearer a") for _ in range(2)] == [None, "429 TOKEN_RATE"]


def test_failures_count_for_the_address_and_its_neighbours(clock: Clock) -> None:
    throttle = Throttle(0, 10, clock=clock)
    assert [visit(throttle, b"Bearer %d" % n, 401, f"2001:db8::{n}") for n in range(20)] == [None] * 20
    assert visit(throttle, b"Bearer x", 401, "2001:db8::ffff") == "FAILURE_RATE"
    assert visit(throttle, None, 401, "2001:db8::ffff") == "FAILURE_RATE"
    assert visit(throttle, b"Bearer x", 401, "2001:db8:0:1::1") is None
    clock.now += 0.1
    assert [visit(throttle, None, 401, "2001:db8::1") for _ in range(2)] == [None, "FAILURE_RATE"]


def test_a_token_that_works_goes_on_until_it_is_refused_itself(clock: Clock) -> None:
    throttle = Throttle(0, 10, clock=clock)
    assert visit(throttle, b"Bearer good", 200) is None
    for _ in range(20):
        visit(throttle, None, 401)
    assert visit(throttle, b"Bearer new", 200) == "FAILURE_RATE"
    assert visit(throttle, b"Bearer good", 200) is None
    assert visit(throttle, b"Bearer good", 401) is None
    assert visit(throttle, b"Bearer good", 401) == "FAILURE_RATE"


def test_what_is_remembered_is_bounded_and_holds_no_token(clock: Clock) -> None:
    throttle = Throttle(10, 10, clock=clock)
    for n in range(MOST_TOKENS + 100):
        visit(throttle, b"Bearer secret-%d" % n, 200)
    assert len(throttle._tokens) == MOST_TOKENS
    assert throttle._under_way == {}
    assert "secret" not in repr(vars(throttle._tokens))
