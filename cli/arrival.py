"""One delivery as `runhook listen` tells of it. Invariant: what a stranger sends is shown as text, never obeyed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from typing import Any

import click

from cli.shown import NOTHING, printable
from runhook.verify import VerificationError, verify_signature, verify_standard_webhook

MOST_CHARACTERS = 100
_COLOURS = {"valid": "green", "INVALID": "red"}


@dataclass(frozen=True)
class Check:
    """What became of checking a signature: valid, INVALID (and why), or not checked."""

    verdict: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A request that came. `facts` is its JSON object, empty when it has none; `test`: asked for to see if it arrives."""

    at: datetime
    facts: Mapping[str, Any]
    body: bytes = field(repr=False)
    authorization: Check
    standard_webhooks: Check
    answer: int
    test: bool

    def line(self, *, colour: bool, body: bool) -> str:
        """For people: the facts, then the signatures; why one is INVALID and the body on lines of their own."""
        checks = {"Authorization": self.authorization, "webhook-signature": self.standard_webhooks}
        kind, event, status = _short(self._fact("eventType")), _short(self._fact("eventId")), self._of_run("runStatus")
        job, run = _short(self._of_run("jobId")), _short(self._of_run("runId"))
        words = [f"{self.at:%H:%M:%S}", kind, event, f"job {job}", f"run {run} {_short(status)}"]
        words.append(f"{len(self.body)} bytes")
        words += [f"{name} {_coloured(check.verdict, colour)}" for name, check in checks.items()]
        lines = ["  ".join([*words, "(the test)"] if self.test else words)]
        lines += [f"  {name}: {check.reason}" for name, check in checks.items() if check.reason]
        if body:
            lines.append(f"  {printable(self.body.decode('utf-8', 'backslashreplace'))}")
        return "\n".join(lines)

    def document(self) -> str:
        """For scripts: one JSON object on one line. `body` is the text of the body."""
        return json.dumps(
            {
                "received_at": self.at.astimezone().isoformat(timespec="milliseconds"),
                "event_type": self._fact("eventType"),
                "event_id": self._fact("eventId"),
                "job_id": self._of_run("jobId"),
                "run_id": self._of_run("runId"),
                "run_status": self._of_run("runStatus"),
                "size": len(self.body),
                "authorization": self.authorization.verdict,
                "standard_webhooks": self.standard_webhooks.verdict,
                "test": self.test,
                "answer": self.answer,
                "body": self.body.decode("utf-8", "backslashreplace"),
            }
        )

    def _fact(self, key: str) -> str | None:
        return _text(self.facts.get(key))

    def _of_run(self, key: str) -> str | None:
        data = self.facts.get("data")
        return _text(data.get(key)) if isinstance(data, dict) else None


def arrival(headers: Message, body: bytes, *, secrets: Sequence[str], answer: int, test: bool) -> Arrival:
    """Read and check a request; every one of `secrets` is tried."""
    return Arrival(
        at=datetime.now(),
        facts=_object(body),
        body=body,
        authorization=_check_authorization(headers, body, secrets),
        standard_webhooks=_check_standard_webhooks(headers, body, secrets),
        answer=answer,
        test=test,
    )


def _check_authorization(headers: Message, body: bytes, secrets: Sequence[str]) -> Check:
    if not secrets:
        return Check("not checked")
    shown = headers.get_all("Authorization", [])
    if len(shown) > 1:
        return Check("INVALID", "there is more than one")
    try:
        verify_signature(secrets, body, shown[0] if shown else None)
    except VerificationError as error:
        return Check("INVALID", str(error))
    return Check("valid")


def _check_standard_webhooks(headers: Message, body: bytes, secrets: Sequence[str]) -> Check:
    if not secrets:
        return Check("not checked")
    try:
        verify_standard_webhook(secrets, headers, body)
    except VerificationError as error:
        return Check("INVALID", str(error))
    return Check("valid")


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) else None


def _short(text: str | None) -> str:
    return NOTHING if text is None else printable(text[:MOST_CHARACTERS])


def _coloured(verdict: str, colour: bool) -> str:
    return click.style(verdict, fg=_COLOURS.get(verdict)) if colour else verdict
