"""What pages of triggers, windows and calls say of messages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.console.executions.words import CLOSE_REASONS
from gateway.console.names import Label, Names
from gateway.console.triggers.presets import PRESETS, preset_of
from gateway.console.triggers.view import DATA_MODES, SHOWN_BODY, call_view, trigger_view, window_view
from runhook.trigger.v1.trigger_pb2 import (
    CallRules,
    CronSchedule,
    DataMode,
    GenericHmac,
    StoredCall,
    Trigger,
    TriggerKind,
    Verification,
    VerificationPreset,
    Window,
    WindowState,
)

NOW = datetime(2026, 1, 31, 19, 30, tzinfo=UTC)
NAMES = Names({5: "Load orders", 6: ""}, {7: "Nightly"})


def at(seconds: float) -> Timestamp:
    """So many seconds from now."""
    made = Timestamp()
    made.FromDatetime(NOW + timedelta(seconds=seconds))
    return made


def webhook(**changes: Any) -> Trigger:
    values: dict[str, Any] = {
        "trigger_id": "trg_x",
        "task_id": 5,
        "name": "orders",
        "kind": TriggerKind.TRIGGER_KIND_WEBHOOK,
        "threshold": 10,
        "duration": Duration(seconds=90),
        "enabled": True,
    }
    return Trigger(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "10 calls, or 1 min 30 s after the first"),
        ({"threshold": 10_000, "duration": Duration(seconds=86_400)}, "10,000 calls, or 1 d after the first"),
        ({"threshold": 1}, "its first call"),
        (
            {"kind": TriggerKind.TRIGGER_KIND_CRON, "cron": CronSchedule(expression="0 3 * * *")},
            "0 3 * * * (UTC)",
        ),
        (
            {
                "kind": TriggerKind.TRIGGER_KIND_CRON,
                "cron": CronSchedule(expression="0 3 * * *", time_zone="Europe/Berlin"),
            },
            "0 3 * * * (Europe/Berlin)",
        ),
        ({"kind": TriggerKind.TRIGGER_KIND_ONCE, "start_time": at(3600)}, "2026-01-31 20:30:00 UTC"),
    ],
)
def test_what_sets_a_trigger_off_is_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    assert trigger_view(webhook(**changes), NAMES, NOW).when == sentence


@pytest.mark.parametrize(
    ("target", "label"),
    [
        ({"task_id": 5}, Label("Load orders", "/console/tasks/5")),
        ({"task_id": 6}, Label("task 6, which is gone", "")),
        ({"task_id": 9}, Label("task 9", "/console/tasks/9")),
        ({"task_id": 0, "plan_id": 7}, Label("Nightly", "/console/plans/7")),
    ],
)
def test_what_a_trigger_starts_is_named_even_when_it_is_gone(target: dict[str, int], label: Label) -> None:
    assert trigger_view(webhook(**target), NAMES, NOW).target == label


@pytest.mark.parametrize(
    ("verification", "header"),
    [
        (Verification(), ""),
        (Verification(preset=VerificationPreset.VERIFICATION_PRESET_GITHUB), "X-Hub-Signature-256"),
        (Verification(preset=VerificationPreset.VERIFICATION_PRESET_API_KEY), "X-Api-Key"),
        (Verification(preset=VerificationPreset.VERIFICATION_PRESET_API_KEY, api_key_header="X-Mine"), "X-Mine"),
        (
            Verification(
                preset=VerificationPreset.VERIFICATION_PRESET_GENERIC_HMAC, generic_hmac=GenericHmac(header="X-Sig")
            ),
            "X-Sig",
        ),
    ],
)
def test_a_page_says_which_header_proves_a_call(verification: Verification, header: str) -> None:
    view = trigger_view(webhook(verification=verification), NAMES, NOW)
    assert (view.proof_header, view.preset.signed) == (header, bool(header))


def test_every_preset_and_data_mode_of_the_protocol_has_words() -> None:
    unsaid = (VerificationPreset.VERIFICATION_PRESET_UNSPECIFIED,)
    assert {preset.number for preset in PRESETS} == set(VerificationPreset.values()) - set(unsaid)
    assert preset_of(VerificationPreset.VERIFICATION_PRESET_UNSPECIFIED).key == "none"
    assert set(DATA_MODES) == set(DataMode.values()) - {DataMode.DATA_MODE_UNSPECIFIED}


def test_each_rule_of_calls_is_told() -> None:
    rules = CallRules(
        extra_media_types=["a/b", "c/d"],
        assumed_media_type="a/b",
        validate_body=True,
        lenient_encoding=True,
        accept_compressed=True,
        refuse_while_paused=True,
        rate_per_second=2.5,
    )
    told = trigger_view(webhook(call_rules=rules), NAMES, NOW).rules
    assert len(told) == len(CallRules.DESCRIPTOR.fields)
    assert told[0] == "also takes a/b, c/d"
    assert trigger_view(webhook(), NAMES, NOW).rules == ()


def test_an_open_window_says_how_full_it_is_and_when_it_ends() -> None:
    window = Window(window_id=3, state=WindowState.WINDOW_STATE_OPEN, size=2, threshold=10, open_time=at(-30))
    window.deadline_time.CopyFrom(at(60))
    view = window_view(window, "trg_x", NOW)
    assert (view.is_open, view.size, view.took, view.closed) == (True, 2, "30 s", None)
    assert view.deadline is not None
    assert view.deadline.relative == "in 1 min"
    assert view.path == "/console/triggers/trg_x/windows/3"


@pytest.mark.parametrize("reason", ["threshold", "deadline", "bytes", "disabled", "flush"])
def test_a_closed_window_says_why_in_words(reason: str) -> None:
    window = Window(state=WindowState.WINDOW_STATE_CLOSED, open_time=at(-90), close_time=at(-30), close_reason=reason)
    view = window_view(window, "trg_x", NOW)
    assert (view.is_open, view.took, view.reason) == (False, "1 min", CLOSE_REASONS[reason])


def test_a_call_is_text_whatever_its_bytes_are() -> None:
    body = b"<script>alert(1)</script>\x00\xff\xe2\x80\xae" + b"x" * SHOWN_BODY
    view = call_view(StoredCall(sequence_number=1, size_bytes=len(body), body=body), NOW)
    assert view.body.startswith(r"<script>alert(1)</script>\x00\xff\u202ex")
    assert view.cut
