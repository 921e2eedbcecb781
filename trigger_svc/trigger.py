"""What a trigger must be; every bad field is named at once. Its token is 256 random bits: who has the URL may call."""

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chassis.errors import BadField
from trigger_svc import call_rule_limits, schedule, verification_rules
from trigger_svc.schedule import Cron
from trigger_svc.window import LONGEST_SECONDS, MOST_CALLS

KINDS = ("webhook", "once", "cron")
DATA_MODES = ("string", "object", "talend_raw")
#: A task or plan has one webhook, or so many others.
MOST_SCHEDULES = 15
LONGEST_GRACE_SECONDS = 7 * 86_400
_WEBHOOK_NAME = re.compile(r"[A-Za-z0-9_]{1,100}")
_NAME = re.compile(r"[A-Za-z0-9_#-]{1,100}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTrigger:
    """A trigger as asked for, of a task or of a plan; the other id is 0. The duration is in seconds and must be whole.

    `verification` and `call_rules` are the messages of those names as JSON objects, without secrets; None: not asked for.
    """

    account_id: int
    name: str
    task_id: int = 0
    plan_id: int = 0
    kind: str = "webhook"
    threshold: int = 0
    duration_seconds: float = 0.0
    data_mode: str = "string"
    start_at: datetime | None = None
    cron: Cron | None = None
    verification: Mapping[str, Any] | None = None
    verification_secrets: tuple[str, ...] = field(default=(), repr=False)
    call_rules: Mapping[str, Any] | None = None

    @property
    def is_webhook(self) -> bool:
        """Whether calls set it off."""
        return self.kind == "webhook"

    @property
    def target(self) -> str:
        """What it starts, as table trigger.target has it."""
        return f"plan:{self.plan_id}" if self.plan_id else f"task:{self.task_id}"

    @property
    def sort(self) -> str:
        """Which others its target may have beside it."""
        return "webhook" if self.is_webhook else "schedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger(NewTrigger):
    """A trigger as stored; how many secrets its verification has, never which. `version` rises with every change."""

    trigger_id: int
    public_id: str
    enabled: bool
    created_at: datetime
    next_start_at: datetime | None = None
    secret_count: int = 0
    version: int = 1


def bad_fields(trigger: NewTrigger, now: datetime) -> Iterator[BadField]:
    """Every broken rule, with paths such as trigger.threshold; none when the trigger is good."""
    if trigger.account_id < 1:
        yield BadField("trigger.account_id", "must be above 0")
    if trigger.kind not in KINDS:
        yield BadField("trigger.kind", "must be WEBHOOK, ONCE or CRON")
    if trigger.is_webhook and not _WEBHOOK_NAME.fullmatch(trigger.name):
        yield BadField("trigger.name", 'must be 1 to 100 letters, digits and "_"')
    elif not _NAME.fullmatch(trigger.name):
        yield BadField("trigger.name", 'must be 1 to 100 letters, digits, "_", "-" and "#"')
    yield from _bad_target(trigger)
    if trigger.is_webhook:
        yield from _bad_webhook(trigger)
    else:
        yield from _webhooks_alone(trigger)
    yield from _bad_schedule(trigger, now)


def next_start(trigger: NewTrigger, now: datetime) -> datetime | None:
    """When an enabled trigger starts an execution by itself after `now`; None: never again."""
    if trigger.cron is not None:
        return schedule.next_start(trigger.cron, now)
    return trigger.start_at if trigger.start_at is not None and trigger.start_at > now else None


def _bad_target(trigger: NewTrigger) -> Iterator[BadField]:
    if trigger.plan_id < 0:
        yield BadField("trigger.plan_id", "must be above 0")
    elif trigger.plan_id and trigger.task_id:
        yield BadField("trigger.plan_id", "must not be given beside task_id")
    elif not trigger.plan_id and trigger.task_id < 1:
        yield BadField("trigger.task_id", "must be above 0, or a plan_id be given")


def _bad_webhook(trigger: NewTrigger) -> Iterator[BadField]:
    if not 1 <= trigger.threshold <= MOST_CALLS:
        yield BadField("trigger.threshold", f"must be 1 to {MOST_CALLS:,}")
    if trigger.duration_seconds != int(trigger.duration_seconds):
        yield BadField("trigger.duration", "must be whole seconds")
    elif not 1 <= trigger.duration_seconds <= LONGEST_SECONDS:
        yield BadField("trigger.duration", f"must be 1 to {LONGEST_SECONDS:,} seconds")
    if trigger.data_mode not in DATA_MODES:
        yield BadField("trigger.data_mode", "must be STRING, OBJECT or TALEND_RAW")
    yield from verification_rules.bad_fields(trigger.verification or {})
    yield from verification_rules.bad_secrets(trigger.verification or {}, trigger.verification_secrets)
    yield from call_rule_limits.bad_fields(trigger.call_rules or {})


def _webhooks_alone(trigger: NewTrigger) -> Iterator[BadField]:
    for name, value in (
        ("threshold", trigger.threshold),
        ("duration", trigger.duration_seconds),
        ("verification", trigger.verification or trigger.verification_secrets),
        ("call_rules", trigger.call_rules),
    ):
        if value:
            yield BadField(f"trigger.{name}", "is of webhooks alone: leave it out")


def _bad_schedule(trigger: NewTrigger, now: datetime) -> Iterator[BadField]:
    if trigger.kind != "once" and trigger.start_at is not None:
        yield BadField("trigger.start_time", "is of kind ONCE alone: leave it out")
    elif trigger.kind == "once" and trigger.start_at is None:
        yield BadField("trigger.start_time", "is required, and must be a time of the years 1970 to 9999")
    if trigger.kind == "cron":
        yield from schedule.bad_fields(trigger.cron or Cron(expression=""), now)
    elif trigger.cron is not None:
        yield BadField("trigger.cron", "is of kind CRON alone: leave it out")


def new_token() -> str:
    """43 base64url characters of 32 random bytes."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes | None:
    """What a token is found by; None for text that cannot be one."""
    return hashlib.sha256(token.encode()).digest() if _TOKEN.fullmatch(token) else None
