"""When a trigger of kind ONCE or CRON starts: a pure function of its schedule and the time.

once   at its moment, if that is still to come
cron   at the next minute that its five fields match, in its time zone
clocks a minute that a change of clocks leaves out is taken at once after it; one that it repeats is taken once. An
       expression whose minute or hour begins with "*" goes by elapsed time instead, as cron does: it takes both
       passes of an hour that is repeated, and none of one that is left out
"""

import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from cronsim import CronSim, CronSimError

from chassis.errors import BadField

FIELDS = 5
LONGEST_EXPRESSION = 255
#: Moments before `now` that a repeated hour can bring up again: at most one a minute for a few hours.
MOST_IN_THE_PAST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """A repeated moment: five fields, and the IANA name of the time zone that they are meant in."""

    expression: str
    time_zone: str = "UTC"


def bad_fields(cron: Cron, now: datetime) -> Iterator[BadField]:
    """Every broken rule of a schedule, with paths such as trigger.cron.time_zone."""
    known = cron.time_zone in time_zones()
    if not known:
        yield BadField("trigger.cron.time_zone", 'must be the name of a time zone such as "Europe/Berlin"')
    try:
        if next_start(Cron(expression=cron.expression, time_zone=cron.time_zone if known else "UTC"), now) is None:
            yield BadField("trigger.cron.expression", "never comes: name a day that there is")
    except ValueError:
        yield BadField(
            "trigger.cron.expression",
            'must be minute, hour, day of month, month, day of week, such as "*/15 6-18 * * mon-fri", on a day that there is',
        )


def next_start(cron: Cron, now: datetime) -> datetime | None:
    """The first moment after `now`, in UTC; None when none comes within 50 years. ValueError for a bad expression."""
    if (
        len(cron.expression) > LONGEST_EXPRESSION
        or len(cron.expression.split()) != FIELDS
        or not cron.expression.isascii()
    ):
        raise ValueError("not five fields")
    try:
        moments = CronSim(cron.expression, now.astimezone(zoneinfo.ZoneInfo(cron.time_zone)))
        for _ in range(MOST_IN_THE_PAST):
            moment = next(moments).astimezone(UTC)
            if moment > now:
                return moment
    except CronSimError as error:
        raise ValueError("not an expression") from error
    except StopIteration:
        pass
    return None


@cache
def time_zones() -> frozenset[str]:
    """Every name that a schedule may have."""
    return frozenset(zoneinfo.available_timezones())
