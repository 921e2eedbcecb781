"""Row E52 of the contract: a bad trigger is refused with every bad field named; tokens look like tokens."""

from typing import Any

import pytest

from tests.support.trigger import new_trigger
from trigger_svc.trigger import bad_fields, new_token, token_hash


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "A_9" * 33},
        {"threshold": 1, "duration_seconds": 1.0},
        {"threshold": 10_000, "duration_seconds": 86_400.0},
    ],
)
def test_a_good_trigger_has_no_bad_field(changes: dict[str, Any]) -> None:
    assert list(bad_fields(new_trigger(task_id=1, **changes))) == []


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"account_id": 0}, ["trigger.account_id"]),
        ({"name": ""}, ["trigger.name"]),
        ({"name": "a-b"}, ["trigger.name"]),
        ({"name": "x" * 101}, ["trigger.name"]),
        ({"task_id": 0}, ["trigger.task_id"]),
        ({"threshold": 0}, ["trigger.threshold"]),
        ({"threshold": -1}, ["trigger.threshold"]),
        ({"threshold": 10_001}, ["trigger.threshold"]),
        ({"duration_seconds": 0.0}, ["trigger.duration"]),
        ({"duration_seconds": -1.0}, ["trigger.duration"]),
        ({"duration_seconds": 86_401.0}, ["trigger.duration"]),
        ({"duration_seconds": 1.5}, ["trigger.duration"]),
        ({"data_mode": "unknown"}, ["trigger.data_mode"]),
        (
            {"name": "ä", "threshold": 0, "duration_seconds": 0.5},
            ["trigger.name", "trigger.threshold", "trigger.duration"],
        ),
    ],
)
def test_every_bad_field_is_named(changes: dict[str, Any], fields: list[str]) -> None:
    assert [bad.field for bad in bad_fields(new_trigger(**({"task_id": 1} | changes)))] == fields


def test_a_token_is_43_characters_and_no_other_text_is_looked_up() -> None:
    token = new_token()
    assert len(token) == 43
    assert token_hash(token) is not None
    for other in ("", token + "/", token[:-1], token + "A", "é" * 43, token[:-1] + "=", token[:-3] + "%41"):
        assert token_hash(other) is None
