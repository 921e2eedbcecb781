"""Guesses at the trigger door: slowed down by their address, without harm to URLs that lead somewhere."""

import pytest

from gateway.edge.strangers import MOST_TOKENS, Strangers
from gateway.http_errors import HttpError


class Clock:
    """Stands until it is told otherwise."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def refusal(strangers: Strangers, client: str, token: bytes) -> str:
    """The reason why it is not let in; "" when it is."""
    try:
        strangers.enter(client, token)
    except HttpError as error:
        return error.reason if error.status == 429 and error.retry_after else "no 429"
    return ""


def test_guesses_of_one_address_are_slowed_down_and_others_are_not() -> None:
    clock = Clock()
    strangers = Strangers(1, clock=clock)
    for number in range(2):
        assert refusal(strangers, "10.0.0.1", b"%d" % number) == ""
        strangers.refused("10.0.0.1", b"%d" % number, 404)
    assert refusal(strangers, "10.0.0.1", b"next") == "FAILURE_RATE"
    assert refusal(strangers, "10.0.0.2", b"next") == ""
    clock.now = 1.0
    assert refusal(strangers, "10.0.0.1", b"next") == ""


def test_a_token_that_led_somewhere_is_let_in_until_it_leads_nowhere() -> None:
    strangers = Strangers(1, clock=Clock())
    strangers.known(b"good")
    for status in (404, 401, 400, 503):
        strangers.refused("10.0.0.1", b"guess", status)
    assert refusal(strangers, "10.0.0.1", b"guess") == "FAILURE_RATE"
    assert refusal(strangers, "10.0.0.1", b"good") == ""
    strangers.refused("10.0.0.1", b"good", 401)
    assert refusal(strangers, "10.0.0.1", b"good") == "FAILURE_RATE"


@pytest.mark.parametrize("status", [204, 400, 413, 429, 503])
def test_what_is_no_guess_does_not_count(status: int) -> None:
    strangers = Strangers(1, clock=Clock())
    for _ in range(10):
        strangers.refused("10.0.0.1", b"token", status)
    assert refusal(strangers, "10.0.0.1", b"token") == ""


def test_calls_of_one_address_have_a_rate() -> None:
    clock = Clock()
    strangers = Strangers(0, 1, clock=clock)
    strangers.known(b"good")
    assert [refusal(strangers, "10.0.0.1", b"good") for _ in range(3)] == ["", "", "CALL_RATE"]
    assert refusal(strangers, "10.0.0.2", b"good") == ""
    clock.now = 1.0
    assert refusal(strangers, "10.0.0.1", b"good") == ""


def test_a_bounded_number_of_tokens_is_kept() -> None:
    strangers = Strangers(1, clock=Clock())
    for number in range(MOST_TOKENS + 1):
        strangers.known(b"%d" % number)
    for _ in range(2):
        strangers.refused("10.0.0.1", b"guess", 404)
    assert refusal(strangers, "10.0.0.1", b"0") == "FAILURE_RATE"
    assert refusal(strangers, "10.0.0.1", b"1") == ""
