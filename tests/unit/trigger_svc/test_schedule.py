"""When schedules start: five fields, time zones, clocks that change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trigger_svc.schedule import LONGEST_EXPRESSION, Cron, bad_fields, next_start, time_zones

NOW = datetime(2026, 11, 22, 12, 7, 30, tzinfo=UTC)  # a Sunday
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def starts(expression: str, time_zone: str, after: str, count: int) -> list[str]:
    """The next moments in the zone's own time, with its offset."""
    zone = ZoneInfo(time_zone)
    moment: datetime | None = datetime.fromisoformat(after)
    found = []
    for _ in range(count):
        assert moment is not None
        moment = next_start(Cron(expression=expression, time_zone=time_zone), moment)
        found.append("" if moment is None else moment.astimezone(zone).isoformat())
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * *", "2026-11-22T12:08:00+00:00"),
        ("*/15 6-18 * * mon-fri", "2026-11-23T06:00:00+00:00"),
        ("0 0 1 * *", "2026-12-01T00:00:00+00:00"),
        ("7 12 * * *", "2026-11-23T12:07:00+00:00"),
        ("8 12 22 11 *", "2026-11-22T12:08:00+00:00"),
        ("0 0 29 2 *", "2028-02-29T00:00:00+00:00"),
        ("5,10 4-6/2 * jan,MAR sun", "2027-01-03T04:05:00+00:00"),
        ("0 9 * * 7", "2026-11-29T09:00:00+00:00"),
        ("0 9 1 * mon", "2026-11-23T09:00:00+00:00"),  # either day, as cron has it
        ("0 0 L * *", "2026-11-30T00:00:00+00:00"),
    ],
)
def test_the_next_start_is_the_next_minute_that_the_fields_match(expression: str, expected: str) -> None:
    assert starts(expression, "UTC", NOW.isoformat(), 1) == [expected]


CLOCKS = [
    # spring forward, 02:00 to 03:00: what is left out is taken at once after it, and once
    ("30 2 * * *", BERLIN, "2026-03-29T00:20+00:00", ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]),
    ("0,30 2,3 * * *", BERLIN, "2026-03-29T00:20+00:00", ["2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"]),
    ("30 2 * * *", NEW_YORK, "2026-03-08T06:20+00:00", ["2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"]),
    ("0 3 * * *", NEW_YORK, "2026-03-08T06:20+00:00", ["2026-03-08T03:00:00-04:00", "2026-03-09T03:00:00-04:00"]),
    # fall back, 03:00 to 02:00 and 02:00 to 01:00: what is repeated is taken once, whenever one looks
    ("30 2 * * *", BERLIN, "2026-10-25T00:20+00:00", ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]),
    ("30 2 * * *", BERLIN, "2026-10-25T01:20+00:00", ["2026-10-26T02:30:00+01:00"]),
    ("30 1 * * *", NEW_YORK, "2026-11-01T05:20+00:00", ["2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"]),
    ("30 1 * * *", NEW_YORK, "2026-11-01T06:20+00:00", ["2026-11-02T01:30:00-05:00"]),
    # what goes by the hour or minute goes by elapsed time
    ("*/30 * * * *", BERLIN, "2026-03-29T00:40+00:00", ["2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"]),
    ("*/30 * * * *", BERLIN, "2026-10-25T00:40+00:00", ["2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00"]),
    ("0 * * * *", NEW_YORK, "2026-11-01T05:00+00:00", ["2026-11-01T01:00:00-05:00", "2026-11-01T02:00:00-05:00"]),
    # a midnight that there is not
    ("0 0 * * *", "Africa/Cairo", "2026-04-23T12:00+00:00", ["2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00"]),
]


@pytest.mark.parametrize(("expression", "zone", "after", "expected"), CLOCKS)
def test_a_change_of_clocks_neither_loses_nor_repeats_a_start(
    expression: str, zone: str, after: str, expected: list[str]
) -> None:
    assert starts(expression, zone, after, len(expected)) == expected


BAD = ["", "* * * *", "* * * * * *", "@daily", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8"]
WORSE = [
    "*/0 * * * *",
    "5-1 * * * *",
    "a * * * *",
    "* * * * m\u00f6n",
    "0 0 30 2 *",
    "x" * 300,
    "0," * 200 + "0 * * * *",
]


@pytest.mark.parametrize("expression", [*BAD, *WORSE])
def test_what_is_no_expression_is_refused(expression: str) -> None:
    assert [bad.field for bad in bad_fields(Cron(expression=expression), NOW)] == ["trigger.cron.expression"]


@pytest.mark.parametrize(
    "zone", ["", "Berlin", "europe/berlin", "../etc/passwd", "/etc/passwd", "Europe", "UTC+1", "\x00"]
)
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    assert [bad.field for bad in bad_fields(Cron(expression="* * * * *", time_zone=zone), NOW)] == [
        "trigger.cron.time_zone"
    ]


def field_of(least: int, most: int) -> st.SearchStrategy[tuple[str, frozenset[int]]]:
    """A cron field and the numbers that it matches, written out here without the library."""
    numbers = st.integers(least, most)
    one = numbers.map(lambda number: (str(number), frozenset({number})))
    span = (
        st.tuples(numbers, numbers)
        .map(sorted)
        .map(lambda ends: (f"{ends[0]}-{ends[1]}", frozenset(range(ends[0], ends[1] + 1))))
    )
    step = st.integers(1, most).map(lambda by: (f"*/{by}", frozenset(range(least, most + 1, by))))
    every = st.just(("*", frozenset(range(least, most + 1))))
    listed = st.lists(one, min_size=2, max_size=4).map(
        lambda some: (",".join(text for text, _ in some), frozenset().union(*(numbers for _, numbers in some)))
    )
    return st.one_of(every, one, span, step, listed)


@settings(max_examples=300, deadline=None)
@given(
    minute=field_of(0, 59),
    hour=field_of(0, 23),
    month=field_of(1, 12),
    weekday=field_of(0, 6),
    zone=st.sampled_from(["UTC", BERLIN, NEW_YORK, "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),
)
def test_the_next_start_is_after_now_and_matches(
    minute: tuple[str, frozenset[int]],
    hour: tuple[str, frozenset[int]],
    month: tuple[str, frozenset[int]],
    weekday: tuple[str, frozenset[int]],
    zone: str,
    now: datetime,
) -> None:
    expression = f"{minute[0]} {hour[0]} * {month[0]} {weekday[0]}"
    found = next_start(Cron(expression=expression, time_zone=zone), now)
    assert found is not None
    assert found > now
    local = found.astimezone(ZoneInfo(zone))
    # At once after what a change of clocks left out there is the new time; what was left out is before it.
    left_out = local.utcoffset() != (found - timedelta(minutes=1)).astimezone(ZoneInfo(zone)).utcoffset()
    assert local.second == local.microsecond == 0
    assert local.month in month[1] or left_out
    assert local.isoweekday() % 7 in weekday[1] or left_out
    assert (local.minute in minute[1] and local.hour in hour[1]) or left_out


def test_expressions_have_a_longest() -> None:
    longest = ",".join(["0"] * 124) + " * * * *"
    assert len(longest) == LONGEST_EXPRESSION
    assert list(bad_fields(Cron(expression=longest), NOW)) == []
    assert len(list(bad_fields(Cron(expression=longest.replace("0,", "00,", 1)), NOW))) == 1


def test_common_time_zones_are_known() -> None:
    assert {"UTC", BERLIN, NEW_YORK, "Asia/Kolkata"} <= time_zones()
