"""A trigger's form: from a message to what its fields show, and from what was sent to the message.

Invariant: what a form does not show stays as it is stored, since an update replaces all.
"""

from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration

from chassis.errors import BadField
from gateway.console.entry import Entry
from gateway.console.form import Form
from gateway.console.triggers.view import DATA_MODES
from gateway.times import parse
from runhook.trigger.v1.trigger_pb2 import CallRules, CronSchedule, DataMode, Trigger, TriggerKind

KINDS = {
    "webhook": TriggerKind.TRIGGER_KIND_WEBHOOK,
    "cron": TriggerKind.TRIGGER_KIND_CRON,
    "once": TriggerKind.TRIGGER_KIND_ONCE,
}
#: For the select of a form.
MODES = tuple((DataMode.Name(mode).removeprefix("DATA_MODE_").lower(), about) for mode, about in DATA_MODES.items())
_RULES = ("validate_body", "lenient_encoding", "accept_compressed", "refuse_while_paused")


@dataclass(frozen=True, kw_only=True)
class TriggerForm:
    """Text as people type it. `target` is "task:<number>" or "plan:<number>"; times are UTC, to the minute."""

    kind: str = "webhook"
    target: str = ""
    name: str = ""
    threshold: str = "10"
    duration: str = "60"
    data_mode: str = "string"
    expression: str = ""
    time_zone: str = ""
    start_time: str = ""
    extra_media_types: str = ""
    assumed_media_type: str = ""
    rate_per_second: str = ""
    rules: tuple[str, ...] = ()
    etag: str = ""


def form_of(trigger: Trigger) -> TriggerForm:
    """What the fields show of a trigger that is there."""
    rules = trigger.call_rules
    start = trigger.start_time.ToDatetime() if trigger.HasField("start_time") else None
    return TriggerForm(
        kind=next((name for name, kind in KINDS.items() if kind == trigger.kind), "webhook"),
        name=trigger.name,
        threshold=str(trigger.threshold),
        duration=str(trigger.duration.seconds),
        data_mode=DataMode.Name(trigger.data_mode).removeprefix("DATA_MODE_").lower(),
        expression=trigger.cron.expression,
        time_zone=trigger.cron.time_zone,
        start_time=start.isoformat(timespec="minutes") if start else "",
        extra_media_types="\n".join(rules.extra_media_types),
        assumed_media_type=rules.assumed_media_type,
        rate_per_second=f"{rules.rate_per_second:g}" if rules.rate_per_second else "",
        rules=tuple(name for name in _RULES if getattr(rules, name)),
        etag=trigger.etag,
    )


def sent(form: Form, kind: str) -> TriggerForm:
    """What the fields held when they were sent, to show it again."""
    return TriggerForm(
        kind=kind,
        target=form.text("target"),
        name=form.text("name"),
        threshold=form.text("threshold"),
        duration=form.text("duration"),
        data_mode=form.text("data_mode"),
        expression=form.text("cron.expression"),
        time_zone=form.text("cron.time_zone"),
        start_time=form.text("start_time"),
        extra_media_types=form.text("call_rules.extra_media_types"),
        assumed_media_type=form.text("call_rules.assumed_media_type"),
        rate_per_second=form.text("call_rules.rate_per_second"),
        rules=tuple(name for name in _RULES if form.has(f"call_rules.{name}")),
        etag=form.text("etag"),
    )


def fill(trigger: Trigger, entry: Entry, kind: str) -> None:
    """Puts what was sent into the message; `entry` keeps what could not be read."""
    form = entry.form
    trigger.name = form.text("name").strip()
    if kind == "cron":
        expression, zone = form.text("cron.expression").strip(), form.text("cron.time_zone").strip()
        trigger.cron.CopyFrom(CronSchedule(expression=expression, time_zone=zone))
    elif kind == "once":
        _fill_start(trigger, entry)
    else:
        trigger.threshold = entry.number("threshold")
        trigger.duration.CopyFrom(Duration(seconds=entry.number("duration")))
        trigger.data_mode = DataMode.Value(f"DATA_MODE_{_mode(form.text('data_mode')).upper()}")


def fill_rules(trigger: Trigger, entry: Entry) -> None:
    """The same of the call rules."""
    form = entry.form
    rules = CallRules(
        extra_media_types=form.words("call_rules.extra_media_types"),
        assumed_media_type=form.text("call_rules.assumed_media_type").strip(),
        rate_per_second=entry.real("call_rules.rate_per_second"),
        **{name: form.has(f"call_rules.{name}") for name in _RULES},
    )
    if rules == CallRules():
        trigger.ClearField("call_rules")
    else:
        trigger.call_rules.CopyFrom(rules)


def _fill_start(trigger: Trigger, entry: Entry) -> None:
    text = entry.form.text("start_time").strip().replace(" ", "T")
    if trigger.HasField("start_time") and text == form_of(trigger).start_time:
        return  # to the minute, which is all that the field shows, it is what it was
    try:
        trigger.start_time.CopyFrom(parse(f"{text}:00Z" if len(text) == len("2026-01-31T19:30") else f"{text}Z"))
    except ValueError:
        entry.bad.append(BadField("start_time", "must be a time in UTC, such as 2026-01-31T19:30"))


def _mode(text: str) -> str:
    return text if text in dict(MODES) else "string"
