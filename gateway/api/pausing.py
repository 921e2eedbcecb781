"""/api/v1 pausing of tasks and plans: calls are taken and windows close, executions wait until it is over."""

from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.visit import Visit
from runhook.trigger.v1 import trigger_service_pb2 as pb


async def pause_task(visit: Visit) -> Response:
    """POST .../tasks/{task_id}/pause"""
    return await _task(visit, paused=True)


async def resume_task(visit: Visit) -> Response:
    """POST .../tasks/{task_id}/resume"""
    return await _task(visit, paused=False)


async def pause_plan(visit: Visit) -> Response:
    """POST .../plans/{plan_id}/pause"""
    return await _plan(visit, paused=True)


async def resume_plan(visit: Visit) -> Response:
    """POST .../plans/{plan_id}/resume"""
    return await _plan(visit, paused=False)


async def _task(visit: Visit, *, paused: bool) -> Response:
    request = pb.PauseTaskRequest(account_id=visit.account_id, task_id=visit.number("task_id"), paused=paused)
    task = (await visit.ask(visit.services.triggers.PauseTask, request)).task
    return JsonAnswer({"task_id": str(task.task_id), "paused": task.paused})


async def _plan(visit: Visit, *, paused: bool) -> Response:
    request = pb.PausePlanRequest(account_id=visit.account_id, plan_id=visit.number("plan_id"), paused=paused)
    plan = (await visit.ask(visit.services.triggers.PausePlan, request)).plan
    return JsonAnswer({"plan_id": str(plan.plan_id), "paused": plan.paused})
