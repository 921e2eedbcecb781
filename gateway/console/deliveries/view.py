"""Deliveries as their pages show them: pure functions of what delivery_svc says."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from google.protobuf.duration_pb2 import Duration

from gateway.console.badge import Badge
from gateway.console.moment import Moment, moment
from gateway.console.readable import readable, size
from gateway.console.span import length
from gateway.console.status_code import in_words
from gateway.console.webhooks.health import kind_of, word_of
from runhook.delivery.v1.delivery_pb2 import Attempt, Delivery, Header

_REASONS = {
    "retries_exhausted": "Every attempt failed.",
    "subscription_inactive": "Its webhook was paused, deactivated or deleted before it was delivered.",
    "secret_unreadable": "A secret of its webhook cannot be decrypted: the platform's key ring lacks its key.",
    "client_url_invalid": "The URL of its webhook cannot be sent to.",
    "erased": "Its body was erased before it was delivered.",
}
_ERRORS = {
    "address": "address not allowed",
    "connect": "no connection",
    "dns": "name not found",
    "protocol": "no HTTP",
    "timeout": "too slow",
    "tls": "TLS failed",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A delivery in a list."""

    id: int
    event_id: str
    event_type: str
    job_id: int
    badge: Badge
    attempts: int
    answer: str
    test: bool
    published: Moment | None
    next_attempt: Moment | None

    @property
    def path(self) -> str:
        """Its page."""
        return f"/console/deliveries/{self.id}"


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A part of an attempt: where it begins and how wide it is on a scale of 0 to 100, and how long it took."""

    name: str
    kind: str
    start: float
    width: float
    length: str


@dataclass(frozen=True, kw_only=True)
class AttemptView:
    """One exchange. `body` is the beginning of what was answered."""

    id: str
    number: int
    badge: Badge
    manual: bool
    sent: Moment | None
    length: str
    error: str
    phases: tuple[Phase, ...]
    request_headers: tuple[tuple[str, str], ...]
    response_headers: tuple[tuple[str, str], ...]
    body: str
    body_size: str
    answered: bool


@dataclass(frozen=True, kw_only=True)
class DeliveryView:
    """A delivery with all that is known of it. `formatted` is its body with line breaks; None where it is no JSON."""

    row: Row
    subscription_id: str
    why: str
    finished: Moment | None
    erased: Moment | None
    body: str
    body_size: str
    formatted: str | None
    attempts: tuple[AttemptView, ...]
    can_redeliver: bool
    is_final: bool


def row(delivery: Delivery, now: datetime) -> Row:
    """As a list shows it; the next attempt only while it is to come."""
    due = moment(delivery.next_attempt_time, now)
    return Row(
        id=delivery.delivery_id,
        event_id=delivery.event_id,
        event_type=delivery.event_type,
        job_id=delivery.job_id,
        badge=Badge(kind_of(delivery), word_of(delivery)),
        attempts=delivery.attempt_count,
        answer=in_words(delivery.last_status_code) if delivery.attempt_count else "",
        test=delivery.test,
        published=moment(delivery.create_time, now),
        next_attempt=due if delivery.attempt_count else None,
    )


def delivery_view(delivery: Delivery, attempts: Sequence[Attempt], now: datetime) -> DeliveryView:
    """As its own page shows it."""
    is_final = delivery.HasField("finish_time")
    erased = moment(delivery.erase_time, now)
    return DeliveryView(
        row=row(delivery, now),
        subscription_id=delivery.subscription_id,
        why=_REASONS.get(delivery.reason, delivery.reason),
        finished=moment(delivery.finish_time, now),
        erased=erased,
        body=readable(delivery.body),
        body_size=size(len(delivery.body)),
        formatted=formatted(delivery.body),
        attempts=tuple(attempt_view(one, now) for one in attempts),
        can_redeliver=is_final and not delivery.test and erased is None,
        is_final=is_final,
    )


def attempt_view(attempt: Attempt, now: datetime) -> AttemptView:
    """One exchange in words."""
    took = seconds(attempt.duration)
    return AttemptView(
        id=attempt.attempt_id,
        number=attempt.number,
        badge=outcome(attempt),
        manual=attempt.manual,
        sent=moment(attempt.send_time, now),
        length=length(took),
        error=attempt.error_message,
        phases=phases(attempt),
        request_headers=_headers(attempt.request_headers),
        response_headers=_headers(attempt.response_headers),
        body=readable(attempt.response_body),
        body_size=size(len(attempt.response_body)),
        answered=attempt.status_code > 0,
    )


def outcome(attempt: Attempt) -> Badge:
    """
    >>> outcome(Attempt(status_code=204)), outcome(Attempt(error="dns", phase="resolve"))
    (Badge(kind='good', word='204 No Content'), Badge(kind='bad', word='name not found'))
    """
    if 200 <= attempt.status_code < 300:
        return Badge("good", in_words(attempt.status_code))
    if attempt.status_code:
        return Badge("bad", in_words(attempt.status_code))
    return Badge("bad", _ERRORS.get(attempt.error, attempt.error or "no answer"))


def phases(attempt: Attempt) -> tuple[Phase, ...]:
    """Name, connection, TLS, and the rest: until the answer was read. What took no time of its own is left out."""
    named = [
        ("name looked up", "resolve", attempt.resolve_duration),
        ("connected", "connect", attempt.connect_duration),
        ("TLS", "tls", attempt.tls_duration),
    ]
    parts = [(name, kind, seconds(took)) for name, kind, took in named if took.ByteSize()]
    whole = seconds(attempt.duration)
    rest = max(0.0, whole - sum(took for _, _, took in parts))
    parts.append(("sent and answered" if attempt.status_code else "waited", "answer", rest))
    shown, start = [], 0.0
    for name, kind, took in parts:
        width = 100 * took / whole if whole else 100 / len(parts)
        shown.append(Phase(name=name, kind=kind, start=round(start, 2), width=round(width, 2), length=length(took)))
        start += width
    return tuple(shown)


def seconds(duration: Duration) -> float:
    """
    >>> seconds(Duration(seconds=1, nanos=500_000_000))
    1.5
    """
    return duration.seconds + duration.nanos / 1e9


def formatted(body: bytes) -> str | None:
    """
    >>> print(formatted(b'{"a":[1]}'))
    {
      "a": [
        1
      ]
    }
    """
    try:
        return readable(json.dumps(json.loads(body), indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None


def _headers(headers: Iterable[Header]) -> tuple[tuple[str, str], ...]:
    return tuple((one.name, readable(one.value.encode("utf-8", "replace"))) for one in headers)
