"""What a trigger must be; every bad field is named at once. Its token is 256 random bits: who has the URL may call."""

import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chassis.errors import BadField
from trigger_svc.window import LONGEST_SECONDS, MOST_CALLS

DATA_MODES = ("string",)
_NAME = re.compile(r"[A-Za-z0-9_]{1,100}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTrigger:
    """A trigger as asked for. The duration is in seconds and must be whole."""

    account_id: int
    name: str
    task_id: int
    threshold: int
    duration_seconds: float
    data_mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger(NewTrigger):
    """A trigger as stored."""

    trigger_id: int
    public_id: str
    enabled: bool
    created_at: datetime


def bad_fields(trigger: NewTrigger) -> Iterator[BadField]:
    """Every broken rule, with paths such as trigger.threshold; none when the trigger is good."""
    if trigger.account_id < 1:
        yield BadField("trigger.account_id", "must be above 0")
    if not _NAME.fullmatch(trigger.name):
        yield BadField("trigger.name", 'must be 1 to 100 letters, digits and "_"')
    if trigger.task_id < 1:
        yield BadField("trigger.task_id", "must be above 0")
    if not 1 <= trigger.threshold <= MOST_CALLS:
        yield BadField("trigger.threshold", f"must be 1 to {MOST_CALLS:,}")
    if trigger.duration_seconds != int(trigger.duration_seconds):
        yield BadField("trigger.duration", "must be whole seconds")
    elif not 1 <= trigger.duration_seconds <= LONGEST_SECONDS:
        yield BadField("trigger.duration", f"must be 1 to {LONGEST_SECONDS:,} seconds")
    if trigger.data_mode not in DATA_MODES:
        yield BadField("trigger.data_mode", "must be STRING")


def new_token() -> str:
    """43 base64url characters of 32 random bytes."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes | None:
    """What a token is found by; None for text that cannot be one."""
    return hashlib.sha256(token.encode()).digest() if _TOKEN.fullmatch(token) else None
