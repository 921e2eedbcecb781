"""Triggers, windows and calls as their pages show them: pure functions of messages, names and the time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.console.badge import Badge
from gateway.console.executions import words
from gateway.console.executions.view import ExecutionView
from gateway.console.moment import Moment, moment
from gateway.console.names import Label, Names
from gateway.console.readable import readable, size
from gateway.console.span import length
from gateway.console.triggers.presets import Preset, preset_of
from runhook.trigger.v1.trigger_pb2 import CallRules, DataMode, StoredCall, Trigger, TriggerKind, Window, WindowState

#: Of a call's body, on a page that shows many.
SHOWN_BODY = 8 * 1024
_ENABLED, _DISABLED = Badge("good", "enabled"), Badge("off", "disabled")
_OPEN, _CLOSED = Badge("busy", "gathering"), Badge("good", "closed")
DATA_MODES = {
    DataMode.DATA_MODE_STRING: "a JSON string",
    DataMode.DATA_MODE_OBJECT: "JSON as JSON, anything else as a string",
    DataMode.DATA_MODE_TALEND_RAW: "as Talend writes it, without escapes: often no valid JSON",
}
_KINDS = {
    TriggerKind.TRIGGER_KIND_ONCE: "one moment",
    TriggerKind.TRIGGER_KIND_CRON: "a schedule",
}


@dataclass(frozen=True, kw_only=True)
class TriggerView:
    """A trigger. `when` is what sets it off, in one sentence; `rules` are what its URL takes beyond the usual."""

    trigger_id: str
    path: str
    name: str
    state: Badge
    enabled: bool
    is_webhook: bool
    kind: str
    when: str
    target: Label
    data_mode: str
    preset: Preset
    proof_header: str
    secret_count: int
    dedupe_header: str
    rules: tuple[str, ...]
    created: Moment | None
    next_start: Moment | None


@dataclass(frozen=True, kw_only=True)
class WindowView:
    """A window. `left` is for how long it stays open; `execution` is what it set going, where that is known."""

    window_id: int
    path: str
    is_open: bool
    state: Badge
    size: int
    threshold: int
    opened: Moment | None
    deadline: Moment | None
    closed: Moment | None
    took: str
    reason: str
    execution: ExecutionView | None


@dataclass(frozen=True, kw_only=True)
class CallView:
    """A call as it was taken. `cut` is whether its body is longer than what is shown."""

    call_id: str
    number: int
    media_type: str
    size: str
    received: Moment | None
    body: str
    cut: bool


def trigger_view(trigger: Trigger, names: Names, now: datetime) -> TriggerView:
    """A trigger as it is now."""
    preset = preset_of(trigger.verification.preset)
    return TriggerView(
        trigger_id=trigger.trigger_id,
        path=f"/console/triggers/{trigger.trigger_id}",
        name=trigger.name,
        state=_ENABLED if trigger.enabled else _DISABLED,
        enabled=trigger.enabled,
        is_webhook=trigger.kind not in _KINDS,
        kind=_KINDS.get(trigger.kind, "calls to a URL"),
        when=_when(trigger, now),
        target=names.target(trigger.task_id, trigger.plan_id),
        data_mode=DATA_MODES.get(trigger.data_mode, DATA_MODES[DataMode.DATA_MODE_STRING]),
        preset=preset,
        proof_header=_proof_header(trigger, preset),
        secret_count=trigger.verification.secret_count,
        dedupe_header=trigger.verification.dedupe_header,
        rules=tuple(_rules(trigger.call_rules)),
        created=moment(trigger.create_time, now),
        next_start=moment(trigger.next_start_time, now),
    )


def window_view(window: Window, trigger_id: str, now: datetime, execution: ExecutionView | None = None) -> WindowView:
    """A window as it is now."""
    is_open = window.state == WindowState.WINDOW_STATE_OPEN
    end = window.close_time.ToDatetime() if window.HasField("close_time") else now.replace(tzinfo=None)
    return WindowView(
        window_id=window.window_id,
        path=f"/console/triggers/{trigger_id}/windows/{window.window_id}",
        is_open=is_open,
        state=_OPEN if is_open else _CLOSED,
        size=window.size,
        threshold=window.threshold,
        opened=moment(window.open_time, now),
        deadline=moment(window.deadline_time, now),
        closed=moment(window.close_time, now),
        took=length(max(0.0, (end - window.open_time.ToDatetime()).total_seconds())),
        reason=words.CLOSE_REASONS.get(window.close_reason, words.spoken(window.close_reason)),
        execution=execution,
    )


def window_views(
    windows: Iterable[Window], trigger_id: str, executions: Mapping[int, ExecutionView], now: datetime
) -> list[WindowView]:
    """These with what they set going, by window."""
    return [window_view(one, trigger_id, now, executions.get(one.window_id)) for one in windows]


def call_view(call: StoredCall, now: datetime) -> CallView:
    """A call with the beginning of its body."""
    return CallView(
        call_id=call.call_id,
        number=call.sequence_number,
        media_type=call.media_type,
        size=size(call.size_bytes),
        received=moment(call.receive_time, now),
        body=readable(call.body[:SHOWN_BODY]),
        cut=call.size_bytes > SHOWN_BODY,
    )


def _when(trigger: Trigger, now: datetime) -> str:
    if trigger.kind == TriggerKind.TRIGGER_KIND_CRON:
        return f"{trigger.cron.expression} ({trigger.cron.time_zone or 'UTC'})"
    if trigger.kind == TriggerKind.TRIGGER_KIND_ONCE:
        at = moment(trigger.start_time, now)
        return f"{at.day} {at.clock} UTC" if at else ""
    calls = "its first call" if trigger.threshold == 1 else f"{trigger.threshold:,} calls"
    return f"{calls}, or {length(trigger.duration.seconds)} after the first" if trigger.threshold > 1 else calls


def _proof_header(trigger: Trigger, preset: Preset) -> str:
    if preset.key == "generic_hmac":
        return trigger.verification.generic_hmac.header
    if preset.key == "api_key":
        return trigger.verification.api_key_header or "X-Api-Key"
    return preset.header


def _rules(rules: CallRules) -> Iterable[str]:
    if rules.extra_media_types:
        yield f"also takes {', '.join(rules.extra_media_types)}"
    if rules.assumed_media_type:
        yield f"takes a body without a media type for {rules.assumed_media_type}"
    if rules.validate_body:
        yield "refuses a body that is not what its media type says"
    if rules.lenient_encoding:
        yield "takes bytes that are no text, as base64"
    if rules.accept_compressed:
        yield "takes compressed bodies"
    if rules.refuse_while_paused:
        yield "refuses calls while its task or plan is paused"
    if rules.rate_per_second:
        yield f"takes {rules.rate_per_second:g} calls a second at most, at each pod"
