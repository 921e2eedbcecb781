"""One delivery as `runhook listen` tells of it."""

import hashlib
import hmac
import json
import time
from base64 import b64encode
from email.message import Message
from typing import Any

import pytest

from cli.arrival import Arrival, arrival
from runhook.verify import to_whsec

SECRET, OTHER = "0123456789abcdef0123456789abcdef01234567", "f" * 40
FACTS = {
    "eventType": "job.run.completed",
    "eventId": "wev_1",
    "data": {"jobId": "123", "runId": "12345", "runStatus": "Success"},
}
BODY = json.dumps(FACTS).encode()


def signed(body: bytes, secret: str = SECRET) -> Message:
    """Headers of a genuine delivery."""
    sent_at = str(int(time.time()))
    headers = Message()
    headers["Authorization"] = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers["webhook-id"] = "wev_1"
    headers["webhook-timestamp"] = sent_at
    content = b".".join((b"wev_1", sent_at.encode(), body))
    headers["webhook-signature"] = "v1," + b64encode(hmac.digest(secret.encode(), content, "sha256")).decode()
    return headers


def came(headers: Message, body: bytes = BODY, *secrets: str, test: bool = False) -> Arrival:
    return arrival(headers, body, secrets=secrets, answer=200, test=test)


@pytest.mark.parametrize("secrets", [(SECRET,), (to_whsec(SECRET),), (OTHER, SECRET)])
def test_a_genuine_delivery_is_valid_in_both_headers(secrets: tuple[str, ...]) -> None:
    line = came(signed(BODY), BODY, *secrets).line(colour=False, body=False)
    _, told = line.split("  ", 1)
    assert told == (
        f"job.run.completed  wev_1  job 123  run 12345 Success  {len(BODY)} bytes"
        "  Authorization valid  webhook-signature valid"
    )


def test_a_wrong_secret_is_told_with_its_reason() -> None:
    line, *reasons = came(signed(BODY), BODY, OTHER).line(colour=False, body=False).split("\n")
    assert "Authorization INVALID  webhook-signature INVALID" in line
    assert [reason.split(":")[0] for reason in reasons] == ["  Authorization", "  webhook-signature"]


def test_headers_that_are_missing_or_twice_are_invalid() -> None:
    assert came(Message(), BODY, SECRET).authorization.verdict == "INVALID"
    twice = signed(BODY)
    twice["Authorization"] = twice["Authorization"]
    assert came(twice, BODY, SECRET).authorization.reason == "there is more than one"


def test_without_a_secret_nothing_is_checked() -> None:
    assert "Authorization not checked  webhook-signature not checked" in came(Message()).line(colour=False, body=False)


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\x00", b"[]", b"[" * 100_000, b'{"data": 7}', b'{"eventType": {"a": NaN}, "data": {"jobId": [1]}}'],
)
def test_a_body_of_any_kind_is_told_of(body: bytes) -> None:
    told = came(Message(), body)
    assert "job -  run - -" in told.line(colour=False, body=True)
    assert json.loads(told.document(), parse_constant=pytest.fail)["size"] == len(body)


def test_a_stranger_cannot_play_with_the_terminal() -> None:
    body = json.dumps({"eventType": "\x1b[2J" + "x" * 500}, ensure_ascii=False).encode() + b"\n\x1b]0;"
    line = came(Message(), body).line(colour=False, body=True)
    assert all(part.isprintable() for part in line.split("\n"))
    assert "x" * 101 not in came(Message(), body[:-5]).line(colour=False, body=False)


def test_scripts_get_one_object_a_line() -> None:
    told: dict[str, Any] = json.loads(came(signed(BODY), BODY, SECRET, test=True).document())
    assert told.pop("received_at")
    assert told == {
        "event_type": "job.run.completed",
        "event_id": "wev_1",
        "job_id": "123",
        "run_id": "12345",
        "run_status": "Success",
        "size": len(BODY),
        "authorization": "valid",
        "standard_webhooks": "valid",
        "test": True,
        "answer": 200,
        "body": BODY.decode(),
    }


def test_verdicts_are_coloured_where_colours_are_wanted() -> None:
    assert "\x1b[32mvalid\x1b[0m" in came(signed(BODY), BODY, SECRET).line(colour=True, body=False)
