"""/api/v1 tasks: what runs execute.

Our own resources speak snake_case: ids of accounts, tasks and runs are decimal strings (64 bits are more than many JSON
readers hold), durations whole seconds, times RFC 3339 or null, states upper-case, kinds and modes lower-case.
"""

from typing import Literal

from google.protobuf.duration_pb2 import Duration
from pydantic import Field
from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.etags import etag_header, if_match
from gateway.numbers import Counts, Id
from gateway.paging import PageQuery
from gateway.shapes import Int32, Shape, Some, Texts
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.task_pb2 import ContextParameter, QueueCount, QueueLimit, QueueMode, Task, TaskKind

KINDS = {"standard": TaskKind.TASK_KIND_STANDARD, "big_data": TaskKind.TASK_KIND_BIG_DATA}
QUEUE_MODES = {
    "fail": QueueMode.QUEUE_MODE_FAIL,
    "reject": QueueMode.QUEUE_MODE_REJECT,
    "hold": QueueMode.QUEUE_MODE_HOLD,
}
QUEUE_COUNTS = {"concurrent": QueueCount.QUEUE_COUNT_CONCURRENT, "rolling": QueueCount.QUEUE_COUNT_ROLLING}


class QueueLimitBody(Shape):
    """How many executions may wait or run; 0 is the service's own number."""

    executions: Int32 = 0
    mode: Literal["fail", "reject", "hold"] = "fail"
    count: Literal["concurrent", "rolling"] = "concurrent"


class ParameterBody(Shape):
    """A context parameter that the task declares."""

    name: str = ""
    default_value: str = ""


class TaskBody(Shape):
    """A task. Defaults that are empty or 0 are the service's."""

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
    queue_limit: QueueLimitBody | None = None


class CopyBody(Shape):
    """The copy's name; empty: the first one's and " copy"."""

    name: str = ""


class TasksQuery(PageQuery):
    """A page of tasks: of those named, if any are."""

    task_ids: Counts = Field(default_factory=list)


async def create(visit: Visit) -> Response:
    """POST .../tasks: 201 with the task."""
    rpc = visit.services.triggers.CreateTask
    hopeless = pb.CreateTaskRequest(task=Task(account_id=visit.account_id))
    body = await visit.read(TaskBody, rpc, hopeless)
    answer = await visit.ask(rpc, pb.CreateTaskRequest(task=_task(body, visit.account_id)), _name)
    return _answer(answer.task, 201)


async def list_(visit: Visit) -> Response:
    """GET .../tasks?task_ids=&page_size=&page_token="""
    rpc = visit.services.triggers.ListTasks
    query = await visit.query(TasksQuery, rpc, pb.ListTasksRequest(account_id=visit.account_id, page_size=-1))
    request = pb.ListTasksRequest(
        account_id=visit.account_id,
        task_ids=query.task_ids,
        page_size=query.page_size,
        page_token=query.page_token,
    )
    answer = await visit.ask(rpc, request)
    return JsonAnswer({"tasks": [shown(one) for one in answer.tasks], "next_page_token": answer.next_page_token})


async def read(visit: Visit) -> Response:
    """GET .../tasks/{task_id}"""
    request = pb.GetTaskRequest(account_id=visit.account_id, task_id=visit.number("task_id"))
    answer = await visit.ask(visit.services.triggers.GetTask, request)
    return _answer(answer.task)


async def replace(visit: Visit) -> Response:
    """PUT .../tasks/{task_id}: what is not sent is the service's default."""
    rpc = visit.services.triggers.UpdateTask
    task_id = visit.number("task_id")
    hopeless = pb.UpdateTaskRequest(task=Task(account_id=visit.account_id, task_id=task_id))
    body = await visit.read(TaskBody, rpc, hopeless)
    task = _task(body, visit.account_id)
    task.task_id, task.etag = task_id, if_match(visit)
    return _answer((await visit.ask(rpc, pb.UpdateTaskRequest(task=task), _name)).task)


async def delete(visit: Visit) -> Response:
    """DELETE .../tasks/{task_id}: 204."""
    request = pb.DeleteTaskRequest(account_id=visit.account_id, task_id=visit.number("task_id"))
    await visit.ask(visit.services.triggers.DeleteTask, request)
    return Response(status_code=204)


async def copy(visit: Visit) -> Response:
    """POST .../tasks/{task_id}/copy: 201 with the copy."""
    rpc = visit.services.triggers.CopyTask
    hopeless = pb.CopyTaskRequest(account_id=visit.account_id, task_id=visit.number("task_id"), name="\n")
    body = await visit.read(CopyBody, rpc, hopeless, optional=True)
    request = pb.CopyTaskRequest(account_id=visit.account_id, task_id=visit.number("task_id"), name=body.name)
    return _answer((await visit.ask(rpc, request, _name)).task, 201)


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
        "queue_limit": shown_queue_limit(task.queue_limit),
        "paused": task.paused,
        "etag": task.etag,
        "created_at": shown_time(task.create_time),
    }


def queue_limit(body: QueueLimitBody | None) -> QueueLimit:
    """The queue limit of a task or plan as asked for."""
    asked = body or QueueLimitBody()
    return QueueLimit(executions=asked.executions, mode=QUEUE_MODES[asked.mode], count=QUEUE_COUNTS[asked.count])


def shown_queue_limit(limit: QueueLimit) -> dict[str, object]:
    """The queue limit of a task or plan as callers see it."""
    modes, counts = ({number: name for name, number in table.items()} for table in (QUEUE_MODES, QUEUE_COUNTS))
    return {
        "executions": limit.executions,
        "mode": modes.get(limit.mode, "fail"),
        "count": counts.get(limit.count, "concurrent"),
    }


def _answer(task: Task, status: int = 200) -> Response:
    return JsonAnswer(shown(task), status, headers=etag_header(task.etag))


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
        queue_limit=queue_limit(body.queue_limit),
    )


def _name(field: str) -> str:
    name = field.removeprefix("task.")
    return "timeout_seconds" if name == "timeout" else name
