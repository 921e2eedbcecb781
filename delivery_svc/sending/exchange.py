"""The report of one POST: what the endpoint answered, or why there was no answer.

Invariant: an exchange with a status code has no error and no phase, and one without has exactly one error class.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

MAX_DETAIL_CHARACTERS = 200

_DELTA_SECONDS = re.compile(rb"[0-9]{1,10}")


class ErrorClass(StrEnum):
    """Why there was no answer; NONE when there was one, whatever its status."""

    NONE = "none"
    DNS = "dns"
    ADDRESS_DENIED = "address_denied"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    RESET = "reset"  # closed before the end of an answer
    PROTOCOL = "protocol"  # what came was not HTTP/1.x
    SHUTDOWN = "shutdown"  # this process ended first
    INTERNAL = "internal"  # our fault, not the endpoint's


@dataclass(slots=True)
class Exchange:
    """One POST and its end. Not frozen only because a frozen one costs four times as much to make."""

    status_code: int  # 0 = no answer
    error: ErrorClass
    detail: str  # one sentence for people, at most 200 characters; "" when answered
    retry_after: float | None  # seconds; None when the answer named none, or none that makes sense
    body: bytes  # the first 4 KiB of the answer
    duration: float  # seconds
    phase: str = ""  # where it stood when it ended without an answer, a phase.PHASES; "" when answered or never begun
    resolve_seconds: float | None = None  # this and the next two: None on a kept connection, and when not reached
    connect_seconds: float | None = None
    tls_seconds: float | None = None  # None on plain HTTP as well
    head: bytes = b""  # the answer's header lines, each with its CRLF, without the status line: whole ones in 4 KiB

    @property
    def succeeded(self) -> bool:
        """Whether the endpoint took the delivery: any 2xx."""
        return 200 <= self.status_code < 300


def unanswered(error: ErrorClass, detail: str, duration: float, phase: str = "") -> Exchange:
    """The report of a POST that got no answer."""
    return Exchange(0, error, detail[:MAX_DETAIL_CHARACTERS], None, b"", duration, phase)


def retry_after_seconds(value: bytes | None, date: bytes | None, now: float) -> float | None:
    """Read a Retry-After header: seconds, or an HTTP date, held against the answer's Date or else against `now`.

    `now` is in seconds since 1970. A date in the past is 0.0; what cannot be read is None.
    """
    if value is None:
        return None
    if _DELTA_SECONDS.fullmatch(value):
        return float(value)
    until = _http_date(value)
    if until is None:
        return None
    since = _http_date(date) if date is not None else None
    return max(0.0, until - (now if since is None else since))


def _http_date(value: bytes) -> float | None:
    try:
        moment = parsedate_to_datetime(value.decode("ascii"))
        return _in_utc(moment).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _in_utc(moment: datetime) -> datetime:
    # "-0000" is read as a time without a zone; an HTTP date is always UTC.
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
