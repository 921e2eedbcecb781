"""The list of executions, newest first, with filters that live in the URL."""

from collections.abc import Iterable, Sequence

from starlette.responses import Response

from gateway.console.entry import Entry
from gateway.console.executions import words
from gateway.console.executions.view import ExecutionView, execution_view, task_ids_of
from gateway.console.names import names_of
from gateway.console.page import Page
from gateway.console.refusal import NO_REFUSAL, Refusal, refusal_of
from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.execution_pb2 import Execution, ExecutionState

_TEMPLATE = "executions/list.html"
_STATES = {ExecutionState.Name(one).removeprefix("EXECUTION_STATE_"): one for one in words.EXECUTION_STATES}
#: For the select of the filter: ("FAILED", "failed").
_CHOICES = (("", "any"), *((name, words.EXECUTION_STATES[one].word) for name, one in _STATES.items()))
_FILTERS = ("state", "task_id", "plan_id", "trigger_id", "window_id")


async def list_(visit: ConsoleVisit) -> Response:
    """GET /console/executions?state=&task_id=&plan_id=&trigger_id=&window_id=&page="""
    entry = Entry(visit.query)
    request = pb.ListExecutionsRequest(
        account_id=visit.account_id,
        task_id=entry.number("task_id", large=True),
        plan_id=entry.number("plan_id", large=True),
        trigger_id=visit.query.text("trigger_id").strip(),
        window_id=entry.number("window_id", large=True),
        state=_STATES.get(visit.query.text("state"), ExecutionState.EXECUTION_STATE_UNSPECIFIED),
        page_token=visit.page_token,
    )
    if entry.bad:
        return _shown(visit, (), refusal=entry.refusal)
    try:
        answer = await visit.ask(visit.services.triggers.ListExecutions, request)
    except HttpError as error:
        if error.status != 400:
            raise
        return _shown(visit, (), refusal=refusal_of(error))
    return _shown(visit, await views(visit, answer.executions), answer.next_page_token)


def _shown(
    visit: ConsoleVisit, executions: Sequence[ExecutionView], following: str = "", refusal: Refusal = NO_REFUSAL
) -> Response:
    filters = {name: visit.query.text(name) for name in _FILTERS}
    return visit.page(
        _TEMPLATE,
        status=200 if refusal is NO_REFUSAL else 400,
        refusal=refusal,
        executions=executions,
        pager=visit.pager(following),
        states=_CHOICES,
        filters=filters,
        filtered=any(filters.values()),
    )


async def views(visit: ConsoleVisit, executions: Iterable[Execution]) -> list[ExecutionView]:
    """These with the names of what they execute."""
    found = list(executions)
    names = await names_of(visit, task_ids_of(found), (one.plan_id for one in found))
    return [execution_view(one, names, visit.now) for one in found]


PAGES = (Page("GET", "/console/executions", list_),)
