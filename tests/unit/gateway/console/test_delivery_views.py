"""Deliveries as their pages show them, and what goes from there into a shell or a receiver."""

import hashlib
import hmac
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.console.deliveries import snippets
from gateway.console.deliveries.curl import commands
from gateway.console.deliveries.recovering import recovery_view
from gateway.console.deliveries.search import asked, moment
from gateway.console.deliveries.view import delivery_view, phases, row
from gateway.console.form import Form
from runhook.delivery.v1.delivery_pb2 import Attempt, Delivery, DeliveryState, Header, Recovery, RecoveryState
from tests.support.require import missing

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
AT = Timestamp(seconds=int(NOW.timestamp()))
SECRET = "a secret"
BODY = b'{"name":"it\'s $HOME `id` \xc3\xa9\\n"}'
FAILED, PENDING = DeliveryState.DELIVERY_STATE_FAILED, DeliveryState.DELIVERY_STATE_PENDING


def _ms(milliseconds: int) -> Duration:
    return Duration(nanos=milliseconds * 1_000_000)


def test_the_next_attempt_is_told_only_where_one_is_to_come_after_another() -> None:
    assert row(Delivery(state=PENDING, attempt_count=1, next_attempt_time=AT), NOW).next_attempt is not None
    assert row(Delivery(state=PENDING, next_attempt_time=AT), NOW).next_attempt is None
    assert row(Delivery(state=FAILED, attempt_count=6), NOW).next_attempt is None


@pytest.mark.parametrize(
    ("delivery", "expected"),
    [
        (Delivery(state=FAILED, finish_time=AT), True),
        (Delivery(state=FAILED, finish_time=AT, test=True), False),
        (Delivery(state=FAILED, finish_time=AT, erase_time=AT), False),
        (Delivery(state=PENDING), False),
    ],
)
def test_what_is_under_way_erased_or_a_test_is_not_offered_to_be_redelivered(
    delivery: Delivery, expected: bool
) -> None:
    assert delivery_view(delivery, (), NOW).can_redeliver is expected


def test_the_reason_is_told_in_words_and_an_unknown_one_as_it_is() -> None:
    for reason, words in (("retries_exhausted", "Every attempt failed."), ("moon", "moon"), ("", "")):
        assert delivery_view(Delivery(state=FAILED, reason=reason), (), NOW).why == words


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        (Attempt(status_code=200, duration=_ms(40)), [("sent and answered", 0, 100, "40 ms")]),
        (
            Attempt(
                status_code=200,
                duration=_ms(100),
                resolve_duration=_ms(10),
                connect_duration=_ms(20),
                tls_duration=_ms(30),
            ),
            [
                ("name looked up", 0, 10, "10 ms"),
                ("connected", 10, 20, "20 ms"),
                ("TLS", 30, 30, "30 ms"),
                ("sent and answered", 60, 40, "40 ms"),
            ],
        ),
        (
            Attempt(error="connect", duration=_ms(20), resolve_duration=_ms(20)),
            [("name looked up", 0, 100, "20 ms"), ("waited", 100, 0, "0 ms")],
        ),
        (Attempt(error="dns"), [("waited", 0, 100, "0 ms")]),
    ],
)
def test_phases_fill_the_whole_of_an_attempt(attempt: Attempt, expected: list[tuple[Any, ...]]) -> None:
    assert [(one.name, one.start, one.width, one.length) for one in phases(attempt)] == expected


@pytest.mark.parametrize("body", [b"", b"no json", b"\xff\xfe", b'{"a":' * 100_000, b'"\\ud800"'])
def test_no_body_breaks_its_page(body: bytes) -> None:
    assert delivery_view(Delivery(body=body), (), NOW).body_size


def test_filters_that_say_nothing_are_named_all_at_once() -> None:
    query = {"state": ["BROKEN"], "job_id": ["x"], "after": ["soon"], "before": ["0000-01-01"]}
    assert [bad.field for bad in asked(Form(query)).refusal.fields] == ["state", "job_id", "after", "before"]
    assert asked(Form({"after": ["2026-11-22T10:00"], "job_id": [" 7 "]})).refusal.fields == ()
    for text in ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00+14:00"):
        with pytest.raises(ValueError, match="year"):
            moment(text)


def test_a_recovery_never_says_more_than_the_whole() -> None:
    recovery = Recovery(found=10, requeued=30, state=RecoveryState.RECOVERY_STATE_RUNNING)
    assert recovery_view(recovery, NOW).share == 100
    finished = Recovery(found=10, requeued=4, state=RecoveryState.RECOVERY_STATE_FINISHED)
    assert recovery_view(finished, NOW).share == 100
    assert recovery_view(Recovery(), NOW).share == 0


def test_the_shell_sends_the_very_bytes_and_knows_no_secret(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        missing("openssl")
    headers = [
        Header(name="Content-Type", value="application/json"),
        Header(name="Authorization", value="***"),
        Header(name="X-Token", value="***"),
        Header(name="X-Quote", value="it's; $(id)"),
        Header(name="Content-Length", value="9"),
    ]
    curl = tmp_path / "curl"
    curl.write_text('#!/bin/sh\nfor one in "$@"; do printf "%s\\0" "$one"; done >"$0.said"\n')
    curl.chmod(0o755)
    script = commands("http://127.0.0.1:1/?a=b&c='d'", headers, BODY)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SIGNING_SECRET": SECRET}
    subprocess.run(["sh", "-eu", "-c", script], env=environment, check=True, timeout=20)
    said = (tmp_path / "curl.said").read_bytes().split(b"\0")
    signature = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    assert said[2:] == [
        b"http://127.0.0.1:1/?a=b&c='d'",
        b"-H",
        f"Authorization: {signature}".encode(),
        b"-H",
        b"Content-Type: application/json",
        b"-H",
        b"X-Quote: it's; $(id)",
        b"--data-binary",
        BODY,
        b"",
    ]
    assert "# The header X-Token has a secret value" in script


def test_the_python_snippet_knows_a_genuine_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    room: dict[str, Any] = {}
    exec(snippets.PYTHON, room)
    monkeypatch.setenv("SIGNING_SECRET", SECRET)
    signature = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    assert room["is_genuine"](BODY, signature)
    assert not room["is_genuine"](BODY + b" ", signature)
    assert not room["is_genuine"](BODY, "é")


def test_the_node_snippet_knows_a_genuine_delivery(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        missing("node")
    signature = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    script = tmp_path / "verify.mjs"
    asked_for = f'const body = Buffer.from("{BODY.hex()}", "hex");\n' + "".join(
        f'console.log(isGenuine({body}, "{shown}"));\n'
        for body, shown in (("body", signature), ("body.subarray(1)", signature), ("body", "x"))
    )
    script.write_text(snippets.NODE + asked_for)
    ran = subprocess.run(
        [node, script], env={"SIGNING_SECRET": SECRET}, capture_output=True, text=True, timeout=30, check=True
    )
    assert ran.stdout.split() == ["true", "false", "false"]
