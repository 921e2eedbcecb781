"""How a run can end, and what happens to one whose runner is lost.

RUNNING > SUCCEEDED   exit code 0
RUNNING > FAILED      command_failed | timed_out | not_runnable, as its runner says; runner_lost, as the rescuer says
RUNNING > PENDING     the runner is lost and attempts are left
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chassis.errors import BadField, InvalidInput

LONGEST_MESSAGE = 1_000
LARGEST_SUMMARY = 64 * 1024
#: What is said of a failure when its runner says nothing.
MESSAGES = {
    "command_failed": "the command failed",
    "timed_out": "the command took longer than its task allows",
    "not_runnable": "the runner could not run the command",
    "runner_lost": "the runner was lost",
}
FAILED_REASONS = ("command_failed", "timed_out", "not_runnable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A runner's claim on a run; `account_id` is None for a runner of ours, which may hold any account's."""

    run_id: int
    lease_id: int
    account_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended. `reason` is empty when it SUCCEEDED."""

    state: str
    reason: str
    message: str
    exit_code: int | None
    summary: str = ""  # JSON; empty: none


RUNNER_LOST = Ending(state="FAILED", reason="runner_lost", message=MESSAGES["runner_lost"], exit_code=None)


def ending(exit_code: int | None, reason: str, message: str, summary: str = "") -> Ending:
    """What a runner's report means. InvalidInput when code and reason contradict each other, or the summary is none."""
    if summary and not _is_summary(summary):
        raise InvalidInput([BadField("summary", f"must be a JSON object of at most {LARGEST_SUMMARY:,} bytes")])
    shown = message.replace("\x00", "")[:LONGEST_MESSAGE]
    if exit_code == 0:
        if reason:
            raise InvalidInput([BadField("reason", "must be empty with exit code 0")])
        return Ending(state="SUCCEEDED", reason="", message=shown, exit_code=0, summary=summary)
    if reason not in FAILED_REASONS:
        raise InvalidInput(
            [BadField("reason", f"must be one of {', '.join(FAILED_REASONS)} unless the exit code is 0")]
        )
    return Ending(
        state="FAILED", reason=reason, message=shown or MESSAGES[reason], exit_code=exit_code, summary=summary
    )


def _is_summary(text: str) -> bool:
    if len(text.encode()) > LARGEST_SUMMARY or "\x00" in text:
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def may_try_again(attempts: int, max_attempts: int) -> bool:
    """Whether a run whose runner was lost after that many starts is handed out once more."""
    return attempts < max_attempts


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as stored."""

    run_id: int
    account_id: int
    task_id: int
    execution_id: str
    state: str
    reason: str
    message: str
    exit_code: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    artifact_names: tuple[str, ...]
    log_bytes: int
    log_truncated: bool
    summary: str
    step: int | None  # of a plan: its step, 0 for the failure handler


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a runner needs in order to execute a run, but for the payload."""

    run_id: int
    account_id: int
    execution_id: str
    command: str
    slots: Mapping[str, str]
    parameters: Mapping[str, str]
    has_payload: bool
    timeout_seconds: int
    log_bytes: int
