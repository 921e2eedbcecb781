"""What people hand to commands: ids, files of headers, files of events."""

import json
from datetime import UTC, datetime
from typing import Any

import click
import pytest

from cli.delivery_settings import OrDefault, changed, delays
from cli.events import MOST_BYTES, batch
from cli.headers import parse
from cli.options import Id, Number, Time
from cli.subscriptions import named


@pytest.mark.parametrize("text", ["wsu_2L6ZDoilyiWzKkSA59Gmc2d7FDD", "7", "a-b"])
def test_an_id_is_taken_as_it_is(text: str) -> None:
    assert Id().convert(text, None, None) == text


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "a?b", "%2e", "a b", "ñ", "x" * 65])
def test_what_would_lead_to_another_path_is_no_id(text: str) -> None:
    with pytest.raises(click.UsageError):
        Id().convert(text, None, None)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "٣", str(2**63), "9" * 5_000])
def test_what_is_no_64_bit_number_above_0_is_refused(text: str) -> None:
    assert Number().convert(str(2**63 - 1), None, None) == 2**63 - 1
    with pytest.raises(click.UsageError):
        Number().convert(text, None, None)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("3d", 259_200), ("0s", 0)])
def test_a_span_is_a_time_before_now(text: str, seconds: int) -> None:
    told = datetime.fromisoformat(Time().convert(text, None, None))
    assert 0 <= (datetime.now(UTC) - told).total_seconds() - seconds < 10


@pytest.mark.parametrize("text", ["2026-11-30T12:00:00Z", "2026-02-31"])
def test_what_begins_as_a_date_is_left_to_the_platform(text: str) -> None:
    assert Time().convert(text, None, None) == text


@pytest.mark.parametrize("text", ["yesterday", "2w", "-1h", "1.5h", "9999999d", ""])
def test_what_is_neither_a_time_nor_a_span_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(click.UsageError, match="such as 90s, 30m, 2h, 3d"):
        Time().convert(text, None, None)


@pytest.mark.parametrize("text", ["X-Api-Key: a:b \n\n  X-Other:c", '{"X-Api-Key": "a:b", "X-Other": "c"}'])
def test_headers_come_as_lines_or_as_json(text: str) -> None:
    assert parse(text) == {"X-Api-Key": "a:b", "X-Other": "c"}


@pytest.mark.parametrize("text", ["", "no colon", "two words: x", "A: 1\nA: 2", "{", '{"A": 1}', "{}"])
def test_what_is_no_headers_is_refused(text: str) -> None:
    with pytest.raises(click.UsageError, match="NAME: VALUE"):
        parse(text)


def test_a_batch_goes_as_it_was_given() -> None:
    text = b'{"events": [ {"eventType": "job.run.started", "data": {"runId": 1e3}} ] }\n'
    assert batch(text) == (text, json.loads(text)["events"])


def test_a_single_event_becomes_a_batch_of_one() -> None:
    content, listed = batch(b' {"eventType": "job.run.started"}\n')
    assert json.loads(content) == {"events": listed}
    assert listed == [{"eventType": "job.run.started"}]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'"text"', b"\xff", b"[" * 100_000, b" " * (MOST_BYTES + 1)])
def test_what_is_no_json_object_is_refused_before_it_is_sent(text: bytes) -> None:
    with pytest.raises(click.UsageError):
        batch(text)


@pytest.mark.parametrize("events", ["text", 7, None, [1, "a"]])
def test_what_is_wrong_with_the_events_is_the_platforms_to_say(events: Any) -> None:
    text = json.dumps({"events": events}).encode()
    assert batch(text)[0] == text


def test_what_was_not_said_is_not_sent() -> None:
    wish = {"name": "", "description": None, "job_ids": (), "event_types": ("a",), "active": False}
    assert named(wish) == {"name": "", "event_types": ["a"], "active": False}


SET = {"retry_schedule": {"delays_seconds": [1.0], "jitter": 0.1}, "concurrency": 3, "rate_per_second": 2.0}
NOTHING = {"retry_schedule": None, "concurrency": None, "rate_per_second": None}


@pytest.mark.parametrize(
    ("before", "named", "expected"),
    [
        (SET, {"rate": 5.0}, SET | {"rate_per_second": 5.0}),
        (SET, {"concurrency": "default"}, SET | {"concurrency": None}),
        (SET, {"retry_delays": []}, SET | {"retry_schedule": {"delays_seconds": [], "jitter": 0.1}}),
        (SET, {"retry_delays": "default", "jitter": "default"}, SET | {"retry_schedule": None}),
        (SET, {"jitter": "default"}, SET | {"retry_schedule": {"delays_seconds": [1.0], "jitter": None}}),
        (NOTHING, {"retry_delays": [5.0]}, NOTHING | {"retry_schedule": {"delays_seconds": [5.0], "jitter": None}}),
        (NOTHING, {"concurrency": 0}, NOTHING | {"concurrency": 0}),
        (NOTHING, {"jitter": "default"}, NOTHING),
    ],
)
def test_settings_change_where_they_are_named_and_stay_elsewhere(before: Any, named: Any, expected: Any) -> None:
    assert changed(before, **named) == expected


@pytest.mark.parametrize(
    ("before", "named"), [(NOTHING, {"jitter": 0.1}), (SET, {"retry_delays": "default", "jitter": 0})]
)
def test_a_jitter_without_delays_is_refused(before: Any, named: Any) -> None:
    with pytest.raises(click.UsageError, match="--retry-delays"):
        changed(before, **named)


@pytest.mark.parametrize("text", ["", "5,", "5;6", "five", "default,5", "none,5"])
def test_what_are_no_delays_is_refused(text: str) -> None:
    assert OrDefault(delays).convert("5,0.5", None, None) == [5.0, 0.5]
    assert OrDefault(delays).convert("none", None, None) == []
    assert OrDefault(delays).convert("default", None, None) == "default"
    with pytest.raises(click.UsageError, match="default"):
        OrDefault(delays).convert(text, None, None)
