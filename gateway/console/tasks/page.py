"""One task: what it executes, what starts it, a form that starts it by hand; paused, copied, deleted."""

from starlette.responses import Response

from gateway.console.act import act, again
from gateway.console.page import Page
from gateway.console.refusal import NO_REFUSAL, Refusal
from gateway.console.tasks import target
from gateway.console.tasks.target import Target, start_form, surroundings
from gateway.console.tasks.view import task_view
from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError
from runhook.trigger.v1 import trigger_service_pb2 as pb

ID = "task_id"


async def show(visit: ConsoleVisit, *, status: int = 200, refusal: Refusal = NO_REFUSAL) -> Response:
    """GET /console/tasks/{task_id}"""
    request = pb.GetTaskRequest(account_id=visit.account_id, task_id=visit.number(ID))
    task = task_view((await visit.ask(visit.services.triggers.GetTask, request)).task, visit.now)
    return visit.page(
        "tasks/page.html",
        status=status,
        refusal=refusal,
        task=task,
        start=start_form(visit.form, [one.name for one in task.parameters]),
        **await surroundings(visit, Target(task_id=task.task_id)),
    )


async def start(visit: ConsoleVisit) -> Response:
    """POST /console/tasks/{task_id}/start"""
    return await target.start(visit, Target(task_id=visit.number(ID)), show)


async def pause(visit: ConsoleVisit) -> Response:
    """POST /console/tasks/{task_id}/pause"""
    return await _pause(visit, paused=True)


async def resume(visit: ConsoleVisit) -> Response:
    """POST /console/tasks/{task_id}/resume"""
    return await _pause(visit, paused=False)


async def copy(visit: ConsoleVisit) -> Response:
    """POST /console/tasks/{task_id}/copy: leads to the copy."""
    request = pb.CopyTaskRequest(account_id=visit.account_id, task_id=visit.number(ID))
    try:
        answer = await visit.ask(visit.services.triggers.CopyTask, request)
    except HttpError as error:
        return await again(visit, error, show)
    return visit.redirect(f"/console/tasks/{answer.task.task_id}/edit", done="task_copied")


async def delete(visit: ConsoleVisit) -> Response:
    """POST /console/tasks/{task_id}/delete"""
    request = pb.DeleteTaskRequest(account_id=visit.account_id, task_id=visit.number(ID))
    delete_it = visit.services.triggers.DeleteTask
    return await act(visit, delete_it, request, show=show, path="/console/tasks", done="task_deleted")


async def _pause(visit: ConsoleVisit, *, paused: bool) -> Response:
    task_id = visit.number(ID)
    request = pb.PauseTaskRequest(account_id=visit.account_id, task_id=task_id, paused=paused)
    done = "target_paused" if paused else "target_resumed"
    pause_it = visit.services.triggers.PauseTask
    return await act(visit, pause_it, request, show=show, path=f"/console/tasks/{task_id}", done=done)


PAGES = (
    Page("GET", "/console/tasks/{task_id}", show),
    Page("POST", "/console/tasks/{task_id}/start", start),
    Page("POST", "/console/tasks/{task_id}/pause", pause),
    Page("POST", "/console/tasks/{task_id}/resume", resume),
    Page("POST", "/console/tasks/{task_id}/copy", copy),
    Page("POST", "/console/tasks/{task_id}/delete", delete),
)
