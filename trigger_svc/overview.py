"""What an account's triggers gather and what its executions do, at a glance: how much is looked at, and how it is told.

Invariant: what is looked at is bounded, whatever there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

MOST_TRIGGERS = 1_000
MOST_COUNTED = 10_000
MOST_WINDOWS = 10
MOST_LOSSES = 10
MOST_PODS = 100
#: A pod beats every BEAT_SECONDS, and serves as long as it was heard of within SERVES_SECONDS.
BEAT_SECONDS = 5.0
SERVES_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWindow:
    """A window that still gathers calls; `trigger_id` is the public one."""

    trigger_id: str
    trigger_name: str
    window_id: int
    size: int
    threshold: int
    opened_at: datetime
    deadline_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Executions and runs by what they do: counted up to MOST_COUNTED; times are those of the first, None: none. Triggers are
    counted up to MOST_TRIGGERS."""

    triggers: int
    pending_executions: int
    oldest_pending_at: datetime | None
    running_executions: int
    free_runs: int
    oldest_free_run_at: datetime | None
    running_runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """An execution that came to nothing, and why. 0 and "" stand for none."""

    execution_id: str
    task_id: int
    plan_id: int
    target_name: str
    state: str
    reason: str
    explanation: str
    run_id: int
    created_at: datetime
    finished_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedRunner:
    """A runner that holds a stream; `account_id` None is one of ours."""

    name: str
    account_id: int | None
    free_slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod that serves, with its runners."""

    name: str
    started_at: datetime
    heartbeat_at: datetime
    runners: tuple[ConnectedRunner, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All of it; `windows` are those of `open_windows` that end soonest."""

    taken_at: datetime
    open_windows: int
    windows: Sequence[OpenWindow]
    work: Work
    losses: Sequence[Loss]
    pods: Sequence[Pod]


def explanation(reason: str, run_reason: str, exit_code: int | None, message: str) -> str:
    """Why an execution came to nothing, in one sentence; what comes after `reason` is the failed run's, if there is one.

    >>> explanation("run_failed", "command_failed", 2, "dbt found errors")
    'The command ended with exit code 2: dbt found errors'
    >>> explanation("queue_limit", "", None, "")
    'As many executions waited or ran as its queue limit allows.'
    >>> explanation("of_a_later_release", "", None, "")
    'Of a later release.'
    """
    said = _of_run(run_reason, exit_code) if reason == "run_failed" else _REASONS.get(reason, "")
    said = said or f"{reason.replace('_', ' ').capitalize()}."
    return f"{said.removesuffix('.')}: {message}" if message else said


def _of_run(run_reason: str, exit_code: int | None) -> str:
    if run_reason == "not_runnable":
        return "The runner could not start the command."
    return "A run of it failed." if exit_code is None else f"The command ended with exit code {exit_code}."


_REASONS = {
    "timed_out": "It took longer than it may.",
    "runner_lost": "The runner was lost while it executed.",
    "parameter_missing": "Its task no longer declares resource_webhook_payload, so its calls could not reach it.",
    "task_missing": "A task that it was to execute was deleted.",
    "queue_limit": "As many executions waited or ran as its queue limit allows.",
    "waited_too_long": "It waited for its turn for longer than it may.",
}
