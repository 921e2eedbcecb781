"""Plans made and changed. A step is a row of the form: a name, and the numbers of its tasks."""

from google.protobuf.duration_pb2 import Duration
from starlette.responses import Response

from chassis.errors import BadField
from gateway.console.choices import FEW, choice_of, choices
from gateway.console.entry import Entry
from gateway.console.names import Names
from gateway.console.page import Page
from gateway.console.plans.view import plan_view
from gateway.console.refusal import NO_REFUSAL, Refusal, refusal_of
from gateway.console.tasks.queue_limit import COUNTS, MODES, queue_limit
from gateway.console.visit import ConsoleVisit
from gateway.console.walk import walk
from gateway.http_errors import HttpError
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.plan_pb2 import Plan, Step

_PREFIX = "plan."


async def new(visit: ConsoleVisit) -> Response:
    """GET /console/plans/new"""
    return await _form(visit, Plan(account_id=visit.account_id))


async def create(visit: ConsoleVisit) -> Response:
    """POST /console/plans/new"""
    entry = Entry(visit.form)
    wanted = _plan(entry, visit.account_id)
    if entry.bad:
        return await _form(visit, wanted, 400, entry.refusal)
    try:
        answer = await visit.ask(visit.services.triggers.CreatePlan, pb.CreatePlanRequest(plan=wanted))
    except HttpError as error:
        return await _refused(visit, wanted, error)
    return visit.redirect(f"/console/plans/{answer.plan.plan_id}", done="plan_made")


async def edit(visit: ConsoleVisit) -> Response:
    """GET /console/plans/{plan_id}/edit"""
    request = pb.GetPlanRequest(account_id=visit.account_id, plan_id=visit.number("plan_id"))
    return await _form(visit, (await visit.ask(visit.services.triggers.GetPlan, request)).plan)


async def change(visit: ConsoleVisit) -> Response:
    """POST /console/plans/{plan_id}/edit"""
    entry = Entry(visit.form)
    wanted = _plan(entry, visit.account_id, visit.number("plan_id"))
    if entry.bad:
        return await _form(visit, wanted, 400, entry.refusal)
    try:
        await visit.ask(visit.services.triggers.UpdatePlan, pb.UpdatePlanRequest(plan=wanted))
    except HttpError as error:
        return await _refused(visit, wanted, error)
    return visit.redirect(f"/console/plans/{wanted.plan_id}", done="plan_changed")


def _plan(entry: Entry, account_id: int, plan_id: int = 0) -> Plan:
    form = entry.form
    timeout = form.text("timeout").strip()
    return Plan(
        account_id=account_id,
        plan_id=plan_id,
        etag=form.text("etag"),
        name=form.text("name").strip(),
        steps=[Step(name=key, task_ids=entry.numbers("steps", value)) for key, value in entry.pairs("steps")],
        failure_handler_task_id=_handler(entry),
        timeout=Duration(seconds=entry.number("timeout")) if timeout else None,
        allow_parallel_runs=form.has("allow_parallel_runs"),
        queue_limit=queue_limit(entry),
    )


def _handler(entry: Entry) -> int:
    text = entry.form.text("failure_handler_task_id").strip()
    noun, number = choice_of(text)
    if noun == "plan" or (text and not number):
        entry.bad.append(BadField("failure_handler_task_id", "choose a task, or nothing"))
        return 0
    return number


async def _refused(visit: ConsoleVisit, wanted: Plan, error: HttpError) -> Response:
    if error.status in (401, 404):
        raise error
    return await _form(visit, wanted, error.status, refusal_of(error, _PREFIX))


async def _form(visit: ConsoleVisit, plan: Plan, status: int = 200, refusal: Refusal = NO_REFUSAL) -> Response:
    answers = await walk(visit, visit.services.triggers.ListTasks, pb.ListTasksRequest(account_id=visit.account_id))
    tasks = [one for answer in answers for one in answer.tasks]
    view = plan_view(plan, Names({}, {}), visit.now)
    return visit.page(
        "plans/form.html",
        status=status,
        refusal=refusal,
        plan=view,
        rows=Entry(visit.form).pairs("steps") or [(step.name, step.numbers) for step in view.steps],
        tasks=[(one.task_id, one.name) for one in tasks[:FEW]],
        more=len(tasks) > FEW,
        handlers=choices(tasks, chosen=view.handler_key),
        modes=MODES,
        counts=COUNTS,
    )


PAGES = (
    Page("GET", "/console/plans/new", new),
    Page("POST", "/console/plans/new", create),
    Page("GET", "/console/plans/{plan_id}/edit", edit),
    Page("POST", "/console/plans/{plan_id}/edit", change),
)
