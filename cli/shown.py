"""How a value reads in a table. Invariant: what others wrote cannot move the cursor, change colours or hide itself."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

NOTHING = "-"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def printable(text: str) -> str:
    """The text with everything that is not printable (control, direction, lone surrogates) written as an escape."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def plain(value: Any) -> str:
    """A string, number, truth value or list; "-" for nothing."""
    if value is None or value in ("", []):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(plain(one) for one in value)
    return printable(str(value))


def jobs(value: Any) -> str:
    """Job ids, of which none means every job."""
    return plain(value) if value else "all"


def kinds(value: Any) -> str:
    """Event types, those of job runs by their last word."""
    return plain([str(one).removeprefix("job.run.") for one in value] if isinstance(value, list) else value)


def status_code(value: Any) -> str:
    """An endpoint's status code, "0" or 0 for none."""
    return NOTHING if value in ("0", 0) else plain(value)


def moment(value: Any) -> str:
    """An RFC 3339 time, to the second, in UTC."""
    try:
        return _to_the_second(datetime.fromisoformat(value))
    except (TypeError, ValueError, OverflowError):
        return plain(value)


def microseconds(value: Any) -> str:
    """Microseconds since the epoch, in decimal, as a time."""
    try:
        return _to_the_second(_EPOCH + timedelta(microseconds=int(value)))
    except (TypeError, ValueError, OverflowError):
        return plain(value)


def _to_the_second(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


@dataclass(frozen=True)
class Column:
    """One column of a table, or one line of a record: its title, the key of its value, how the value reads."""

    title: str
    key: str
    show: Callable[[Any], str] = plain
