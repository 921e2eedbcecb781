"""Triggers, their windows and calls between protobuf and nouns. Rules are checked elsewhere.

What calls are verified by, and what else a URL takes, is kept as the JSON of its message: with the names of its fields, and
without what is secret or counted.
"""

from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict

from chassis.etag import etag_of
from runhook.trigger.v1 import trigger_pb2
from runhook.trigger.v1.trigger_pb2 import DataMode, TriggerKind, VerificationPreset
from trigger_svc.schedule import Cron
from trigger_svc.store.window_list import StoredCall, StoredWindow
from trigger_svc.trigger import NewTrigger, Trigger
from trigger_svc.wire import duration, moment, seconds, timestamp

KINDS = {
    TriggerKind.TRIGGER_KIND_WEBHOOK: "webhook",
    TriggerKind.TRIGGER_KIND_ONCE: "once",
    TriggerKind.TRIGGER_KIND_CRON: "cron",
}
#: A number that is not here is left to the rules, which refuse it.
DATA_MODES = {
    DataMode.DATA_MODE_UNSPECIFIED: "string",
    DataMode.DATA_MODE_STRING: "string",
    DataMode.DATA_MODE_OBJECT: "object",
    DataMode.DATA_MODE_TALEND_RAW: "talend_raw",
}
LARGEST_SECONDS = 315_576_000_000  # that protobuf writes as JSON


def new_trigger(message: trigger_pb2.Trigger, *, default_kind: str = "webhook") -> NewTrigger:
    """A trigger as asked for; `default_kind` is what it is when it does not say."""
    unsaid = message.kind == TriggerKind.TRIGGER_KIND_UNSPECIFIED
    cron = message.cron if message.HasField("cron") else None
    return NewTrigger(
        account_id=message.account_id,
        name=message.name,
        task_id=message.task_id,
        plan_id=message.plan_id,
        kind=default_kind if unsaid else KINDS.get(message.kind, "unknown"),
        threshold=message.threshold,
        duration_seconds=seconds(message.duration),
        data_mode=DATA_MODES.get(message.data_mode, "unknown"),
        start_at=moment(message.start_time) if message.HasField("start_time") else None,
        cron=None if cron is None else Cron(expression=cron.expression, time_zone=cron.time_zone or "UTC"),
        verification=_verification(message.verification),
        verification_secrets=tuple(message.verification.secrets),
        call_rules=MessageToDict(message.call_rules, preserving_proto_field_name=True) or None,
    )


def trigger(noun: Trigger) -> trigger_pb2.Trigger:
    """A trigger as stored, without what is secret."""
    made = trigger_pb2.Trigger(
        trigger_id=noun.public_id,
        account_id=noun.account_id,
        name=noun.name,
        task_id=noun.task_id,
        plan_id=noun.plan_id,
        kind=TriggerKind.Value(f"TRIGGER_KIND_{noun.kind.upper()}"),
        threshold=noun.threshold,
        duration=duration(noun.duration_seconds) if noun.is_webhook else None,
        enabled=noun.enabled,
        data_mode=DataMode.Value(f"DATA_MODE_{noun.data_mode.upper()}"),
        create_time=timestamp(noun.created_at),
        start_time=timestamp(noun.start_at),
        next_start_time=timestamp(noun.next_start_at),
        etag=etag_of(noun.version),
    )
    if noun.cron is not None:
        made.cron.expression, made.cron.time_zone = noun.cron.expression, noun.cron.time_zone
    if noun.verification is not None:
        ParseDict(dict(noun.verification), made.verification, ignore_unknown_fields=True)
        made.verification.secret_count = noun.secret_count
    if noun.call_rules is not None:
        ParseDict(dict(noun.call_rules), made.call_rules, ignore_unknown_fields=True)
    return made


def window(noun: StoredWindow) -> trigger_pb2.Window:
    """A window as it is now."""
    return trigger_pb2.Window(
        window_id=noun.window_id,
        state=trigger_pb2.WindowState.Value(f"WINDOW_STATE_{noun.state}"),
        size=noun.size,
        threshold=noun.threshold,
        open_time=timestamp(noun.opened_at),
        deadline_time=timestamp(noun.deadline_at),
        close_time=timestamp(noun.closed_at),
        close_reason=noun.close_reason or "",
    )


def call(noun: StoredCall) -> trigger_pb2.StoredCall:
    """A call as it was taken."""
    return trigger_pb2.StoredCall(
        call_id=noun.call_id,
        sequence_number=noun.seq,
        window_id=noun.window_id,
        media_type=noun.media_type,
        size_bytes=noun.size_bytes,
        receive_time=timestamp(noun.received_at),
        body=noun.body or b"",
    )


def _verification(message: trigger_pb2.Verification) -> dict[str, Any] | None:
    """None where nothing was agreed on; a duration that JSON cannot hold becomes one that the rules refuse."""
    kept = trigger_pb2.Verification()
    kept.CopyFrom(message)
    kept.ClearField("secrets")
    kept.ClearField("secret_count")
    if kept.preset == VerificationPreset.VERIFICATION_PRESET_NONE:
        kept.ClearField("preset")
    if kept.HasField("tolerance"):
        tolerance = seconds(kept.tolerance)
        kept.tolerance.FromNanoseconds(round((tolerance if 0 <= tolerance <= LARGEST_SECONDS else 0) * 1e9))
    return MessageToDict(kept, preserving_proto_field_name=True) or None
