"""/api/v1 tasks: what runs execute.

Our own resources speak snake_case: ids of accounts, tasks and runs are decimal strings (64 bits are more than many JSON
readers hold), durations whole seconds, times RFC 3339 or null, states upper-case, kinds and modes lower-case.
"""

from typing import Literal

from google.protobuf.duration_pb2 import Duration
from pydantic import Field
from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.numbers import Id
from gateway.shapes import Int32, Shape, Some, Texts
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.task_pb2 import ContextParameter, Task, TaskKind

KINDS = {"standard": TaskKind.TASK_KIND_STANDARD, "big_data": TaskKind.TASK_KIND_BIG_DATA}


class ParameterBody(Shape):
    """A context parameter that the task declares."""

    name: str = ""
    default_value: str = ""


class TaskBody(Shape):
    """A new task. Defaults that are empty or 0 are the service's."""

    name: str = ""
    kind: Literal["standard", "big_data"] = "standard"
    command: str = ""
    slots: Texts = Field(default_factory=dict)
    parameters: Some[ParameterBody] = Field(default_factory=list)
    timeout_seconds: Int32 | None = None
    allow_parallel_runs: bool = False
    max_attempts: Int32 = 0
    environment_id: Id = 0
    environment_name: str = ""
    project_id: Id = 0
    project_name: str = ""
    dbt_version: str = ""


async def create(visit: Visit) -> Response:
    """POST .../tasks: 201 with the task."""
    rpc = visit.services.triggers.CreateTask
    hopeless = pb.CreateTaskRequest(task=Task(account_id=visit.account_id))
    body = await visit.read(TaskBody, rpc, hopeless)
    answer = await visit.ask(rpc, pb.CreateTaskRequest(task=_task(body, visit.account_id)), _name)
    return JsonAnswer(shown(answer.task), 201)


async def read(visit: Visit) -> Response:
    """GET .../tasks/{task_id}"""
    request = pb.GetTaskRequest(account_id=visit.account_id, task_id=visit.number("task_id"))
    answer = await visit.ask(visit.services.triggers.GetTask, request)
    return JsonAnswer(shown(answer.task))


def shown(task: Task) -> dict[str, object]:
    """The task as callers see it."""
    kinds = {number: name for name, number in KINDS.items()}
    return {
        "task_id": str(task.task_id),
        "account_id": str(task.account_id),
        "name": task.name,
        "kind": kinds.get(task.kind, "standard"),
        "command": task.command,
        "slots": dict(task.slots),
        "parameters": [{"name": one.name, "default_value": one.default_value} for one in task.parameters],
        "timeout_seconds": task.timeout.seconds,
        "allow_parallel_runs": task.allow_parallel_runs,
        "max_attempts": task.max_attempts,
        "environment_id": str(task.environment_id),
        "environment_name": task.environment_name,
        "project_id": str(task.project_id),
        "project_name": task.project_name,
        "dbt_version": task.dbt_version,
        "created_at": shown_time(task.create_time),
    }


def _task(body: TaskBody, account_id: int) -> Task:
    return Task(
        account_id=account_id,
        name=body.name,
        kind=KINDS[body.kind],
        command=body.command,
        slots=body.slots,
        parameters=[ContextParameter(name=one.name, default_value=one.default_value) for one in body.parameters],
        timeout=None if body.timeout_seconds is None else Duration(seconds=body.timeout_seconds),
        allow_parallel_runs=body.allow_parallel_runs,
        max_attempts=body.max_attempts,
        environment_id=body.environment_id,
        environment_name=body.environment_name,
        project_id=body.project_id,
        project_name=body.project_name,
        dbt_version=body.dbt_version,
    )


def _name(field: str) -> str:
    name = field.removeprefix("task.")
    return "timeout_seconds" if name == "timeout" else name
