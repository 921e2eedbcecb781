"""Tasks made and changed."""

from starlette.responses import Response

from gateway.console.entry import Entry
from gateway.console.page import Page
from gateway.console.refusal import NO_REFUSAL, Refusal, refusal_of
from gateway.console.tasks.queue_limit import COUNTS, MODES
from gateway.console.tasks.task_form import KINDS, fresh, task_of
from gateway.console.tasks.view import task_view
from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.task_pb2 import Task

_PREFIX = "task."


async def new(visit: ConsoleVisit) -> Response:
    """GET /console/tasks/new"""
    return _form(visit, fresh(visit.account_id))


async def create(visit: ConsoleVisit) -> Response:
    """POST /console/tasks/new"""
    entry = Entry(visit.form)
    wanted = task_of(entry, visit.account_id)
    if entry.bad:
        return _form(visit, wanted, 400, entry.refusal)
    try:
        answer = await visit.ask(visit.services.triggers.CreateTask, pb.CreateTaskRequest(task=wanted))
    except HttpError as error:
        return _refused(visit, wanted, error)
    return visit.redirect(f"/console/tasks/{answer.task.task_id}", done="task_made")


async def edit(visit: ConsoleVisit) -> Response:
    """GET /console/tasks/{task_id}/edit"""
    request = pb.GetTaskRequest(account_id=visit.account_id, task_id=visit.number("task_id"))
    return _form(visit, (await visit.ask(visit.services.triggers.GetTask, request)).task)


async def change(visit: ConsoleVisit) -> Response:
    """POST /console/tasks/{task_id}/edit"""
    entry = Entry(visit.form)
    wanted = task_of(entry, visit.account_id, visit.number("task_id"))
    if entry.bad:
        return _form(visit, wanted, 400, entry.refusal)
    try:
        await visit.ask(visit.services.triggers.UpdateTask, pb.UpdateTaskRequest(task=wanted))
    except HttpError as error:
        return _refused(visit, wanted, error)
    return visit.redirect(f"/console/tasks/{wanted.task_id}", done="task_changed")


def _refused(visit: ConsoleVisit, wanted: Task, error: HttpError) -> Response:
    if error.status in (401, 404):
        raise error
    return _form(visit, wanted, error.status, refusal_of(error, _PREFIX))


def _form(visit: ConsoleVisit, task: Task, status: int = 200, refusal: Refusal = NO_REFUSAL) -> Response:
    return visit.page(
        "tasks/form.html",
        status=status,
        refusal=refusal,
        task=task_view(task, visit.now),
        kinds=KINDS,
        modes=MODES,
        counts=COUNTS,
    )


PAGES = (
    Page("GET", "/console/tasks/new", new),
    Page("POST", "/console/tasks/new", create),
    Page("GET", "/console/tasks/{task_id}/edit", edit),
    Page("POST", "/console/tasks/{task_id}/edit", change),
)
