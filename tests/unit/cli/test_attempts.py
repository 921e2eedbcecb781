"""What is told of one attempt: all that was measured, and nothing that was not."""

from typing import Any

import pytest

from cli.attempts import failure, in_full, took

ANSWERED: dict[str, Any] = {
    "sent_at": "2026-11-30T12:00:00.5Z",
    "status_code": 503,
    "error": "",
    "error_message": "",
    "phase": "",
    "duration_seconds": 0.0421,
    "resolve_seconds": None,
    "connect_seconds": None,
    "tls_seconds": None,
    "request_headers": [{"name": "Authorization", "value": "***"}],
    "response_headers": [{"name": "Retry-After", "value": "5"}],
    "response_body": "busy",
}
UNANSWERED = ANSWERED | {
    "status_code": 0,
    "error": "timeout",
    "error_message": "timed out",
    "phase": "tls",
    "response_headers": [],
    "response_body": "",
}


def test_an_answer_is_told_with_headers_both_ways() -> None:
    assert in_full(ANSWERED) == [
        ("sent", "2026-11-30 12:00:00Z"),
        ("took", "0.042 s, on a kept connection"),
        ("status", "503"),
        ("request header", "Authorization: ***"),
        ("answer header", "Retry-After: 5"),
        ("answer's body", "busy"),
    ]


def test_without_an_answer_it_is_told_why_and_where_it_stood() -> None:
    assert dict(in_full(UNANSWERED))["error"] == "timeout in phase tls: timed out"
    assert {name for name, _ in in_full(UNANSWERED)} == {"sent", "took", "error", "request header"}
    assert failure({"error": "internal"}) == "internal: no more is known"


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (ANSWERED | {"resolve_seconds": 0.001, "connect_seconds": 0.002}, "0.042 s: resolve 0.001, connect 0.002"),
        (ANSWERED | {"tls_seconds": 0.0196}, "0.042 s: TLS 0.020"),
        (UNANSWERED, "0.042 s"),
        ({}, "0.000 s"),
    ],
)
def test_phases_are_told_if_they_were_gone_through(attempt: dict[str, Any], said: str) -> None:
    assert took(attempt) == said
