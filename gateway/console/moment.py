"""Times as people read them: in UTC to the second, and how long ago or ahead that is."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, kw_only=True)
class Moment:
    """`iso` is for programs, `day` and `clock` are for people, `relative` is such as "3 min ago"."""

    iso: str
    day: str
    clock: str
    relative: str


def moment(stamp: Timestamp, now: datetime) -> Moment | None:
    """The time of a message; None for one that is not set."""
    return moment_of(stamp.ToDatetime(UTC), now) if stamp.ByteSize() else None


def moment_of(time: datetime, now: datetime) -> Moment:
    """The same of a datetime with a time zone."""
    utc = time.astimezone(UTC)
    return Moment(
        iso=utc.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        day=f"{utc:%Y-%m-%d}",
        clock=f"{utc:%H:%M:%S}",
        relative=relative(utc - now),
    )


def relative(span: timedelta) -> str:
    """How far from now.

    >>> relative(timedelta(seconds=-200)), relative(timedelta(hours=5)), relative(timedelta(0))
    ('3 min ago', 'in 5 h', 'now')
    """
    seconds = round(abs(span.total_seconds()))
    if seconds == 0:
        return "now"
    return f"in {rough(seconds)}" if span > timedelta(0) else f"{rough(seconds)} ago"


def rough(seconds: float) -> str:
    """A length in its largest unit.

    >>> rough(59.6), rough(61), rough(90_000), rough(0.0421)
    ('60 s', '1 min', '1 d', '42 ms')
    """
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{round(seconds / size) if size == 1 else int(seconds // size)} {unit}"
    return "0 s"
