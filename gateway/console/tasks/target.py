"""What the pages of a task and of a plan have alike: its triggers, its last executions, a form that starts it by hand."""

import asyncio
import secrets
from typing import Any, NamedTuple

from starlette.responses import Response

from gateway.console.act import Show, again
from gateway.console.executions.listing import views
from gateway.console.form import Form
from gateway.console.names import Names
from gateway.console.triggers.view import TriggerView, trigger_view
from gateway.console.visit import ConsoleVisit
from gateway.console.walk import walk
from gateway.http_errors import HttpError
from runhook.trigger.v1 import trigger_service_pb2 as pb

_EXECUTIONS = 5


class Target(NamedTuple):
    """A task or a plan; the other number is 0."""

    task_id: int = 0
    plan_id: int = 0


class StartForm(NamedTuple):
    """A start by hand as its form shows it. `request_id` makes one start of a form that is sent twice."""

    values: dict[str, str]
    payload: str
    reason: str
    request_id: str


def start_form(form: Form, names: list[str]) -> StartForm:
    """What was sent, or an empty form. `names` are the parameters that it has a field for."""
    values = {name: form.text(f"parameters.{name}") for name in names}
    request_id = form.text("request_id") or f"console-{secrets.token_urlsafe(16)}"
    return StartForm(values, form.text("payload"), form.text("reason"), request_id)


async def surroundings(visit: ConsoleVisit, target: Target) -> dict[str, Any]:
    """The triggers and the last executions of a target, for its page."""
    executions, triggers = await asyncio.gather(
        visit.ask(
            visit.services.triggers.ListExecutions,
            pb.ListExecutionsRequest(
                account_id=visit.account_id, task_id=target.task_id, plan_id=target.plan_id, page_size=_EXECUTIONS
            ),
        ),
        walk(visit, visit.services.triggers.ListTriggers, pb.ListTriggersRequest(account_id=visit.account_id)),
    )
    nobody = Names({}, {})
    of_it: list[TriggerView] = [
        trigger_view(one, nobody, visit.now)
        for answer in triggers  # the service does not list them by what they start
        for one in answer.triggers
        if (one.task_id, one.plan_id) == (target.task_id, target.plan_id)
    ]
    return {"executions": await views(visit, executions.executions), "triggers": of_it}


async def start(visit: ConsoleVisit, target: Target, show: Show) -> Response:
    """Starts it as the form says, with the parameters that were given; leads to the execution."""
    prefix = "parameters."
    given = {key: visit.form.text(f"{prefix}{key}") for key in visit.form.all("parameter")}
    request = pb.StartExecutionRequest(
        account_id=visit.account_id,
        task_id=target.task_id,
        plan_id=target.plan_id,
        parameters={key: value for key, value in given.items() if value},
        payload=visit.form.text("payload").encode(),
        reason=visit.form.text("reason").strip(),
        request_id=visit.form.text("request_id"),
    )
    try:
        answer = await visit.ask(visit.services.triggers.StartExecution, request)
    except HttpError as error:
        return await again(visit, error, show)
    return visit.redirect(f"/console/executions/{answer.execution.execution_id}", done="execution_started")
