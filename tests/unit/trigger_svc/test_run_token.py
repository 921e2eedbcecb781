"""Run tokens."""

import base64

import pytest

from chassis.keyring import KeyRing
from trigger_svc.run_token import PREFIX, is_run_token, make_run_token

OLD, NEW = {"old": bytes(range(32))}, {"new": bytes(32)}


def test_a_token_is_good_for_its_run_under_its_lease_alone() -> None:
    ring = KeyRing(OLD)
    token = make_run_token(ring, 7, 9)
    assert is_run_token(ring, token, 7, 9)
    assert not any(is_run_token(ring, token, *other) for other in [(7, 10), (8, 9), (79, 9), (7, 99)])


def test_a_token_outlives_a_new_key_but_not_the_end_of_its_own() -> None:
    token = make_run_token(KeyRing(OLD), 7, 9)
    assert is_run_token(KeyRing(NEW | OLD), token, 7, 9)
    assert not is_run_token(KeyRing(NEW), token, 7, 9)


def test_two_tokens_of_a_run_are_two() -> None:
    ring = KeyRing(OLD)
    assert make_run_token(ring, 7, 9) != make_run_token(ring, 7, 9)


@pytest.mark.parametrize(
    "token", ["", PREFIX, PREFIX + "\u00fc", PREFIX + "A" * 600, PREFIX + "djEub2xk", "x.y.z", PREFIX + "="]
)
def test_what_is_no_token_is_none(token: str) -> None:
    assert not is_run_token(KeyRing(OLD), token, 7, 9)


def test_another_secret_of_the_ring_is_no_token() -> None:
    ring = KeyRing(OLD)
    sealed = ring.seal(b"x", "run_token:7:9")
    assert not is_run_token(ring, PREFIX + base64.urlsafe_b64encode(sealed).decode(), 7, 9)
