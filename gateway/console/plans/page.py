"""One plan: its steps, what starts it, a form that starts it by hand; paused, copied, deleted."""

import asyncio
from dataclasses import replace

from starlette.responses import Response

from gateway.console.act import act, again
from gateway.console.names import names_of, tasks_of
from gateway.console.page import Page
from gateway.console.plans.view import plan_view, task_ids_of
from gateway.console.refusal import NO_REFUSAL, Refusal
from gateway.console.tasks import target
from gateway.console.tasks.target import Target, start_form, surroundings
from gateway.console.tasks.view import task_view
from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError
from runhook.trigger.v1 import trigger_service_pb2 as pb

ID = "plan_id"


async def show(visit: ConsoleVisit, *, status: int = 200, refusal: Refusal = NO_REFUSAL) -> Response:
    """GET /console/plans/{plan_id}"""
    request = pb.GetPlanRequest(account_id=visit.account_id, plan_id=visit.number(ID))
    found = (await visit.ask(visit.services.triggers.GetPlan, request)).plan
    first = found.steps[0].task_ids if found.steps else ()
    names, tasks = await asyncio.gather(names_of(visit, task_ids_of(found)), tasks_of(visit, first))
    takers = [task_view(one, visit.now) for one in tasks]
    declared = {one.name: one for task in takers for one in task.parameters}
    plan = replace(
        plan_view(found, names, visit.now),
        parameters=list(declared.values()),
        takes_calls=any(task.takes_calls for task in takers),
    )
    return visit.page(
        "plans/page.html",
        status=status,
        refusal=refusal,
        plan=plan,
        start=start_form(visit.form, [one.name for one in plan.parameters]),
        **await surroundings(visit, Target(plan_id=plan.plan_id)),
    )


async def start(visit: ConsoleVisit) -> Response:
    """POST /console/plans/{plan_id}/start"""
    return await target.start(visit, Target(plan_id=visit.number(ID)), show)


async def pause(visit: ConsoleVisit) -> Response:
    """POST /console/plans/{plan_id}/pause"""
    return await _pause(visit, paused=True)


async def resume(visit: ConsoleVisit) -> Response:
    """POST /console/plans/{plan_id}/resume"""
    return await _pause(visit, paused=False)


async def copy(visit: ConsoleVisit) -> Response:
    """POST /console/plans/{plan_id}/copy: leads to the copy."""
    request = pb.CopyPlanRequest(account_id=visit.account_id, plan_id=visit.number(ID))
    try:
        answer = await visit.ask(visit.services.triggers.CopyPlan, request)
    except HttpError as error:
        return await again(visit, error, show)
    return visit.redirect(f"/console/plans/{answer.plan.plan_id}/edit", done="plan_copied")


async def delete(visit: ConsoleVisit) -> Response:
    """POST /console/plans/{plan_id}/delete"""
    request = pb.DeletePlanRequest(account_id=visit.account_id, plan_id=visit.number(ID))
    delete_it = visit.services.triggers.DeletePlan
    return await act(visit, delete_it, request, show=show, path="/console/plans", done="plan_deleted")


async def _pause(visit: ConsoleVisit, *, paused: bool) -> Response:
    plan_id = visit.number(ID)
    request = pb.PausePlanRequest(account_id=visit.account_id, plan_id=plan_id, paused=paused)
    done = "target_paused" if paused else "target_resumed"
    pause_it = visit.services.triggers.PausePlan
    return await act(visit, pause_it, request, show=show, path=f"/console/plans/{plan_id}", done=done)


PAGES = (
    Page("GET", "/console/plans/{plan_id}", show),
    Page("POST", "/console/plans/{plan_id}/start", start),
    Page("POST", "/console/plans/{plan_id}/pause", pause),
    Page("POST", "/console/plans/{plan_id}/resume", resume),
    Page("POST", "/console/plans/{plan_id}/copy", copy),
    Page("POST", "/console/plans/{plan_id}/delete", delete),
)
