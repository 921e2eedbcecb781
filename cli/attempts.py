"""How one attempt of a delivery reads: an overview of all, and one in full. Invariant: only what was measured is told."""

from collections.abc import Mapping
from typing import Any

from cli.shown import Column, moment, status_code

Pairs = list[tuple[str, str]]

OVERVIEW = (
    Column("NUMBER", "number"),
    Column("SENT", "sent_at", moment),
    Column("SECONDS", "duration_seconds"),
    Column("STATUS", "status_code", status_code),
    Column("ERROR", "error"),
    Column("PHASE", "phase"),
    Column("BY HAND", "manual"),
)
_PHASES = {"resolve_seconds": "resolve", "connect_seconds": "connect", "tls_seconds": "TLS"}


def in_full(attempt: Mapping[str, Any]) -> Pairs:
    """Name and value of each line: times, outcome, then headers and body both ways; what there is none of is left out."""
    lines = [
        ("sent", moment(attempt.get("sent_at"))),
        ("took", took(attempt)),
        ("status", "" if attempt.get("status_code") in (None, 0) else str(attempt["status_code"])),
        ("error", failure(attempt)),
        *_headers("request", attempt),
        *_headers("answer", attempt),
        ("answer's body", str(attempt.get("response_body") or "")),
    ]
    return [line for line in lines if line[1]]


def took(attempt: Mapping[str, Any]) -> str:
    """The whole and its phases, in seconds."""
    parts = [f"{word} {attempt[key]:.3f}" for key, word in _PHASES.items() if attempt.get(key) is not None]
    whole = f"{attempt.get('duration_seconds') or 0:.3f} s"
    if parts:
        return f"{whole}: {', '.join(parts)}"
    return f"{whole}, on a kept connection" if attempt.get("status_code") else whole


def failure(attempt: Mapping[str, Any]) -> str:
    """The error's class, where the attempt stood, and the sentence for people; empty when it was answered."""
    if not attempt.get("error"):
        return ""
    where = f" in phase {attempt['phase']}" if attempt.get("phase") else ""
    return f"{attempt['error']}{where}: {attempt.get('error_message') or 'no more is known'}"


def _headers(of: str, attempt: Mapping[str, Any]) -> Pairs:
    found = attempt.get("request_headers" if of == "request" else "response_headers") or []
    return [(f"{of} header", f"{one.get('name')}: {one.get('value')}") for one in found]
