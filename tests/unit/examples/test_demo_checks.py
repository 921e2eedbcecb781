"""What the demo judges by: a tick is never given for nothing."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from examples.demo import payload
from examples.demo.receiver import is_genuine
from examples.demo.story import Story

SECRET = "6b3c" * 10
BODY = '{"name":"Käse"}'.encode()
SIGNATURE = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()


def test_a_story_without_checks_or_with_a_failed_one_does_not_hold(capsys: pytest.CaptureFixture[str]) -> None:
    empty, good, bad = Story(), Story(), Story()
    good.check("two", expected=2, came=2)
    bad.check("two", expected=2, came=2)
    bad.check("three", expected=3, came=[])
    assert (empty.end(), good.end(), bad.end()) == (False, True, False)
    assert "expected: 3\n       came:     none" in capsys.readouterr().out


def test_the_receiver_believes_one_exact_signature_over_the_raw_bytes() -> None:
    assert is_genuine(SECRET, BODY, [SIGNATURE])
    assert not is_genuine(SECRET, BODY + b" ", [SIGNATURE])
    assert not is_genuine(SECRET[:-1], BODY, [SIGNATURE])
    for signatures in ([], [SIGNATURE, SIGNATURE], [SIGNATURE.upper()], [f"sha256={SIGNATURE}"], ["ü"]):
        assert not is_genuine(SECRET, BODY, signatures)


def delivered(event_type: str) -> dict[str, Any]:
    """The body of a delivery of the sample."""
    webhook = {"account_id": "1", "id": "wsu_x", "name": "x"}
    body: dict[str, Any] = json.loads(payload.body_of(payload.sample(event_type), event_id="wev_x", webhook=webhook))
    return body


@pytest.mark.parametrize("event_type", payload.EVENT_TYPES)
def test_a_body_is_in_shape_only_with_the_samples_keys_in_their_order_and_of_their_types(event_type: str) -> None:
    body = delivered(event_type)
    assert payload.in_shape(body)
    data = body["data"]
    for broken in (
        {**body, "accountId": "1"},
        {key: value for key, value in body.items() if key != "webhookId"},
        dict(reversed(body.items())),
        {**body, "more": 1},
        {**body, "data": {**data, "jobId": 123}},
        {**body, "data": {**data, "runStatusCode": "10"}},
        {**body, "data": dict(reversed(data.items()))},
        {**body, "data": {key: value for key, value in data.items() if key != "runReason"}},
    ):
        assert not payload.in_shape(broken)
