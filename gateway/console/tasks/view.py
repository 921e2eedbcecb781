"""Tasks as their pages show them: pure functions of messages and the time."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gateway.console.badge import Badge
from gateway.console.executions.words import PAYLOAD
from gateway.console.moment import Moment, moment
from gateway.console.span import length
from gateway.console.tasks.queue_limit import count_of, mode_of, words_of
from runhook.trigger.v1.task_pb2 import Task, TaskKind

ACTIVE, PAUSED = Badge("good", "active"), Badge("warn", "paused")


class Parameter(NamedTuple):
    """A context parameter with its default."""

    name: str
    default: str


@dataclass(frozen=True, kw_only=True)
class TaskView:
    """A task. `parameters` are those beside the payload; numbers of the form are text."""

    task_id: int
    path: str
    name: str
    state: Badge
    paused: bool
    command: str
    kind: str
    slots: list[tuple[str, str]]
    parameters: list[Parameter]
    takes_calls: bool
    payload_default: str
    timeout: str
    timeout_seconds: str
    allow_parallel_runs: bool
    max_attempts: str
    environment_id: str
    environment_name: str
    project_id: str
    project_name: str
    dbt_version: str
    queue_words: str
    queue_executions: str
    queue_mode: str
    queue_count: str
    etag: str
    created: Moment | None


def task_view(task: Task, now: datetime) -> TaskView:
    """A task as it is now, or as a form asks for it."""
    payload = [one for one in task.parameters if one.name == PAYLOAD]
    return TaskView(
        task_id=task.task_id,
        path=f"/console/tasks/{task.task_id}",
        name=task.name,
        state=PAUSED if task.paused else ACTIVE,
        paused=task.paused,
        command=task.command,
        kind="big_data" if task.kind == TaskKind.TASK_KIND_BIG_DATA else "standard",
        slots=sorted(task.slots.items()),
        parameters=[Parameter(one.name, one.default_value) for one in task.parameters if one.name != PAYLOAD],
        takes_calls=bool(payload),
        payload_default=payload[0].default_value if payload else "",
        timeout=length(task.timeout.seconds),
        timeout_seconds=_number(task.timeout.seconds),
        allow_parallel_runs=task.allow_parallel_runs,
        max_attempts=_number(task.max_attempts),
        environment_id=_number(task.environment_id),
        environment_name=task.environment_name,
        project_id=_number(task.project_id),
        project_name=task.project_name,
        dbt_version=task.dbt_version,
        queue_words=words_of(task.queue_limit),
        queue_executions=_number(task.queue_limit.executions),
        queue_mode=mode_of(task.queue_limit),
        queue_count=count_of(task.queue_limit),
        etag=task.etag,
        created=moment(task.create_time, now),
    )


def _number(number: int) -> str:
    return str(number) if number else ""
