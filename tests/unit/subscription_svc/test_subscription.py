"""The rules of a subscription: its limits, what an update makes of it, which events it wants."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from subscription_svc.subscription import (
    EVENT_TYPES,
    Configuration,
    Subscription,
    broken_rules,
    event_types_of,
    interests,
    revised,
)

SOUND = Configuration(
    name="n",
    description="",
    job_ids=(),
    event_types=("job.run.started",),
    client_url="https://example.com",
    active=True,
)

#                                             change                                    fields that are named
CASES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"name": "x" * 255, "description": "x" * 2000}, []),
    ({"name": "  "}, []),  # nothing is trimmed
    ({"name": "\U0001f600" * 255}, []),  # characters, not bytes
    ({"job_ids": tuple(range(1, 10_001))}, []),
    ({"job_ids": (1, 1, 2**63 - 1)}, []),
    ({"event_types": ("job.run.started",) * 100}, []),
    ({"name": ""}, ["subscription.name"]),
    ({"name": "x" * 256}, ["subscription.name"]),
    ({"name": "a\x00b"}, ["subscription.name"]),
    ({"description": "x" * 2001}, ["subscription.description"]),
    ({"description": "\x00"}, ["subscription.description"]),
    ({"job_ids": tuple(range(1, 10_002))}, ["subscription.job_ids"]),
    ({"job_ids": (1, 0, -1)}, ["subscription.job_ids[1]", "subscription.job_ids[2]"]),
    ({"event_types": ()}, ["subscription.event_types"]),
    ({"event_types": ("job.run.started",) * 101}, ["subscription.event_types"]),
    ({"event_types": ("job.run.started", "job.run.cancelled")}, ["subscription.event_types[1]"]),
    ({"event_types": ("JOB.RUN.STARTED", "")}, ["subscription.event_types[0]", "subscription.event_types[1]"]),
    ({"client_url": "nowhere"}, ["subscription.client_url"]),
]


@pytest.mark.parametrize(("change", "fields"), CASES)
def test_every_broken_rule_is_named(change: dict[str, Any], fields: list[str]) -> None:
    assert [bad.field for bad in broken_rules(replace(SOUND, **change), EVENT_TYPES)] == fields


@pytest.mark.parametrize("event_type", ["subscription.deactivated", "execution.rejected"])
def test_operational_events_are_the_operators_alone_and_others_are_not_told_of_them(event_type: str) -> None:
    wish = replace(SOUND, event_types=("job.run.started", event_type))
    assert broken_rules(wish, event_types_of(7, 7)) == []
    for stranger in (event_types_of(8, 7), event_types_of(8, None)):
        [bad] = broken_rules(wish, stranger)
        assert (bad.field, bad.message) == (
            "subscription.event_types[1]",
            "must be one of job.run.started, job.run.completed, job.run.errored",
        )


def stored(*, active: bool, reason: str | None = None) -> Subscription:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Subscription(
        id=1,
        version=1,
        public_id="wsu_x",
        account_id=1,
        account_identifier="act_x",
        configuration=replace(SOUND, active=active),
        deactivate_reason=reason,
        created_at=moment,
        updated_at=moment,
        last_status_code=0,
        last_attempt_at=None,
    )


@pytest.mark.parametrize(
    ("was_active", "reason", "active", "url_changed", "becomes"),
    [
        (True, None, True, False, (True, None)),
        (True, None, False, False, (False, None)),
        (True, None, False, True, (False, None)),  # a pause is a pause, also while the URL changes
        (False, None, True, False, (True, None)),
        (False, None, False, False, (False, None)),
        (False, None, False, True, (True, None)),  # a new URL revives
        (False, "1,000 failures", False, False, (False, "1,000 failures")),
        (False, "1,000 failures", True, False, (True, None)),
        (False, "1,000 failures", False, True, (True, None)),
    ],
)
def test_an_update_revives_as_its_contract_says(
    was_active: bool, reason: str | None, active: bool, url_changed: bool, becomes: tuple[bool, str | None]
) -> None:
    url = "https://example.com/new" if url_changed else SOUND.client_url
    assert revised(stored(active=was_active, reason=reason), replace(SOUND, active=active, client_url=url)) == becomes


def test_interests_fold_duplicates_and_are_none_while_inactive() -> None:
    wish = replace(SOUND, job_ids=(2, 1, 2), event_types=("job.run.started", "job.run.errored", "job.run.started"))
    assert interests(wish) == [
        ("job.run.errored", 1),
        ("job.run.errored", 2),
        ("job.run.started", 1),
        ("job.run.started", 2),
    ]
    assert interests(SOUND) == [("job.run.started", 0)]
    assert interests(replace(wish, active=False)) == []
