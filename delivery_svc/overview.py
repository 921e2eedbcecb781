"""An account's deliveries at a glance: how much of the log is looked at, and what is said about it.

Invariant: what is looked at is bounded, whatever the log holds, and what is told says over which span it was taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
MOST_SUBSCRIPTIONS = 1_000
MOST_LOOKED_AT = 1_500
LEAST_SHARE = 3
MOST_DUE = 10_000
MOST_PODS = 100
MOST_LOSSES = 10
MOST_TROUBLES = 20
#: Seconds that a slice may be long.
WIDTHS = (1, 2, 5, 10, 15, 30, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What became of the deliveries of a span, and how long endpoints took to answer: None where none did."""

    start: datetime
    succeeded: int
    failed: int
    cancelled: int
    p50: timedelta | None
    p95: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A subscription that gets nothing, or little. `held_until` is its breaker's; "" and None stand for none."""

    subscription_id: str
    name: str
    deactivate_reason: str
    held_until: datetime | None
    failing_since: datetime | None
    last_status_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A delivery that came to nothing, and why."""

    id: int
    event_id: str
    event_type: str
    subscription_id: str
    subscription_name: str
    state: str
    reason: str
    explanation: str
    attempts: int
    published_at: datetime
    finished_at: datetime
    test: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod that serves."""

    name: str
    started_at: datetime
    heartbeat_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All of it. `whole` says whether `since` is an hour before; `slices` are `width` long."""

    taken_at: datetime
    since: datetime
    whole: bool
    total: Slice
    width: timedelta
    slices: Sequence[Slice]
    due: int
    oldest_due_at: datetime | None
    subscriptions: int
    troubled: int
    troubles: Sequence[Trouble]
    losses: Sequence[Loss]
    pods: Sequence[Pod]


def begin_of_hour(now: datetime) -> datetime:
    """The beginning of the first of the 60 minutes that `now` ends, so that slices stay where they are while time goes on.

    >>> begin_of_hour(datetime(2026, 1, 31, 19, 29, 35)).isoformat()
    '2026-01-31T18:30:00'
    """
    return now.replace(second=0, microsecond=0) - HOUR + MINUTE


def share(subscriptions: int) -> int:
    """How many deliveries of each subscription are looked at; what others leave over is shared among those that have more.

    >>> share(1), share(8), share(1000)
    (1500, 187, 3)
    """
    return max(LEAST_SHARE, MOST_LOOKED_AT // max(1, subscriptions))


def explanation(reason: str, attempts: int, status_code: int, detail: str) -> str:
    """Why a delivery came to nothing, in one sentence; `status_code` and `detail` are the last attempt's.

    >>> explanation("retries_exhausted", 6, 500, "")
    'The endpoint answered 500 to the last of 6 attempts.'
    >>> explanation("retries_exhausted", 1, 0, "The endpoint refused the connection.")
    'The only attempt got no answer: the endpoint refused the connection.'
    >>> explanation("erased", 0, 0, "")
    'Its body was erased before it was delivered.'
    """
    if reason in _REASONS:
        return _REASONS[reason]
    which = f"the last of {attempts} attempts" if attempts > 1 else "the only attempt"
    if status_code:
        return f"The endpoint answered {status_code} to {which}."
    why = f": {_within(detail.removesuffix('.'))}" if detail else ""
    return f"{which[0].upper()}{which[1:]} got no answer{why}."


def _within(sentence: str) -> str:
    """The sentence as a part of another; a name such as TLS stays as it is."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]


_REASONS = {
    "subscription_inactive": "Its subscription was paused, deactivated or deleted before it was delivered.",
    "secret_unreadable": "A secret of its subscription cannot be decrypted: the key ring lacks its key.",
    "client_url_invalid": "The URL of its subscription cannot be sent to.",
    "erased": "Its body was erased before it was delivered.",
}
