"""Past windows of a trigger, and the calls of one."""

import asyncio

from starlette.responses import Response

from gateway.console.page import Page
from gateway.console.triggers import asking
from gateway.console.triggers.asking import ID, shown, trigger
from gateway.console.triggers.view import TriggerView, call_view
from gateway.console.visit import ConsoleVisit
from runhook.trigger.v1 import trigger_service_pb2 as pb


async def list_(visit: ConsoleVisit) -> Response:
    """GET /console/triggers/{trigger_id}/windows?page="""
    view, (found, following) = await asyncio.gather(
        _view(visit), asking.windows(visit, page_size=20, page_token=visit.page_token)
    )
    return visit.page("triggers/windows.html", trigger=view, windows=found, pager=visit.pager(following))


async def calls(visit: ConsoleVisit) -> Response:
    """GET /console/triggers/{trigger_id}/windows/{window_id}?page=: its calls in their order."""
    request = pb.ListCallsRequest(
        account_id=visit.account_id,
        trigger_id=visit.text(ID),
        window_id=visit.number("window_id"),
        with_bodies=True,
        page_token=visit.page_token,
    )
    view, answer, window = await asyncio.gather(
        _view(visit),
        visit.ask(visit.services.triggers.ListCalls, request),
        asking.window(visit),
    )
    return visit.page(
        "triggers/window.html",
        trigger=view,
        window=window,
        calls=[call_view(one, visit.now) for one in answer.calls],
        pager=visit.pager(answer.next_page_token),
    )


async def _view(visit: ConsoleVisit) -> TriggerView:
    return await shown(visit, await trigger(visit))


PAGES = (
    Page("GET", "/console/triggers/{trigger_id}/windows", list_),
    Page("GET", "/console/triggers/{trigger_id}/windows/{window_id}", calls),
)
