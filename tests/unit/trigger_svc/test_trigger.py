"""Row E52 of the contract: a bad trigger is refused with every bad field named; tokens look like tokens."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.trigger import new_trigger
from trigger_svc.schedule import Cron
from trigger_svc.trigger import bad_fields, new_token, next_start, token_hash

NOW = datetime(2026, 11, 22, 12, 7, 30, tzinfo=UTC)
ONCE: dict[str, Any] = {"kind": "once", "start_at": NOW, "threshold": 0, "duration_seconds": 0.0}
CRON: dict[str, Any] = {
    "kind": "cron",
    "cron": Cron(expression="*/15 6-18 * * mon-fri", time_zone="Europe/Berlin"),
    "threshold": 0,
    "duration_seconds": 0.0,
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "A_9" * 33},
        {"threshold": 1, "duration_seconds": 1.0},
        {"threshold": 10_000, "duration_seconds": 86_400.0},
        {"task_id": 0, "plan_id": 7, "data_mode": "talend_raw"},
        ONCE | {"name": "at-noon#1"},
        CRON | {"task_id": 0, "plan_id": 7},
    ],
)
def test_a_good_trigger_has_no_bad_field(changes: dict[str, Any]) -> None:
    assert list(bad_fields(new_trigger(**({"task_id": 1} | changes)), NOW)) == []


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
        ({"plan_id": 7}, ["trigger.plan_id"]),
        ({"task_id": 0, "plan_id": -7}, ["trigger.plan_id"]),
        ({"start_at": NOW}, ["trigger.start_time"]),
        ({"cron": Cron(expression="* * * * *")}, ["trigger.cron"]),
        ({"verification": {"preset": "VERIFICATION_PRESET_GITHUB"}}, ["trigger.verification.secrets"]),
        ({"verification": {"preset": 99}}, ["trigger.verification.preset", "trigger.verification.secrets"]),
        ({"call_rules": {"rate_per_second": -1.0}}, ["trigger.call_rules.rate_per_second"]),
        (ONCE | {"start_at": None}, ["trigger.start_time"]),
        (ONCE | {"name": "a b"}, ["trigger.name"]),
        (ONCE | {"threshold": 1, "duration_seconds": 5.0}, ["trigger.threshold", "trigger.duration"]),
        (ONCE | {"verification_secrets": ("s",)}, ["trigger.verification"]),
        (ONCE | {"call_rules": {"validate_body": True}}, ["trigger.call_rules"]),
        (CRON | {"cron": None}, ["trigger.cron.expression"]),
        (CRON | {"start_at": NOW}, ["trigger.start_time"]),
        (
            CRON | {"cron": Cron(expression="61 * * * *", time_zone="Europe/Atlantis")},
            ["trigger.cron.time_zone", "trigger.cron.expression"],
        ),
        (
            {"name": "ä", "threshold": 0, "duration_seconds": 0.5},
            ["trigger.name", "trigger.threshold", "trigger.duration"],
        ),
    ],
)
def test_every_bad_field_is_named(changes: dict[str, Any], fields: list[str]) -> None:
    assert [bad.field for bad in bad_fields(new_trigger(**({"task_id": 1} | changes)), NOW)] == fields


def test_a_token_is_43_characters_and_no_other_text_is_looked_up() -> None:
    token = new_token()
    assert len(token) == 43
    assert token_hash(token) is not None
    for other in ("", token + "/", token[:-1], token + "A", "é" * 43, token[:-1] + "=", token[:-3] + "%41"):
        assert token_hash(other) is None


def test_once_starts_at_its_moment_unless_that_is_over() -> None:
    soon = NOW + timedelta(seconds=1)
    assert next_start(new_trigger(**ONCE | {"start_at": soon}), NOW) == soon
    assert next_start(new_trigger(**ONCE), NOW) is None


def test_a_webhook_starts_nothing_by_itself() -> None:
    assert next_start(new_trigger(task_id=1), NOW) is None
