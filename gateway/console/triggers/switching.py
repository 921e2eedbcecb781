"""A trigger's buttons: enabled or not, its window closed now, deleted."""

from starlette.responses import Response

from gateway.console.act import act, again
from gateway.console.page import Page
from gateway.console.triggers.asking import ID, page_of, trigger
from gateway.console.triggers.page import show
from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError
from runhook.trigger.v1 import trigger_service_pb2 as pb


async def enable(visit: ConsoleVisit) -> Response:
    """POST /console/triggers/{trigger_id}/enable"""
    return await _switch(visit, enabled=True)


async def disable(visit: ConsoleVisit) -> Response:
    """POST /console/triggers/{trigger_id}/disable"""
    return await _switch(visit, enabled=False)


async def flush(visit: ConsoleVisit) -> Response:
    """POST /console/triggers/{trigger_id}/flush: leads to what the window set going."""
    request = pb.FlushWindowRequest(account_id=visit.account_id, trigger_id=visit.text(ID))
    try:
        answer = await visit.ask(visit.services.triggers.FlushWindow, request)
    except HttpError as error:
        return await again(visit, error, show)
    return visit.redirect(f"/console/executions/{answer.execution_id}", done="window_flushed")


async def delete(visit: ConsoleVisit) -> Response:
    """POST /console/triggers/{trigger_id}/delete"""
    request = pb.DeleteTriggerRequest(
        account_id=visit.account_id, trigger_id=visit.text(ID), discard_open_window=visit.form.has("discard")
    )
    delete_it = visit.services.triggers.DeleteTrigger
    return await act(visit, delete_it, request, show=show, path="/console/triggers", done="trigger_deleted")


async def _switch(visit: ConsoleVisit, *, enabled: bool) -> Response:
    wanted = await trigger(visit)
    wanted.enabled = enabled
    request = pb.UpdateTriggerRequest(trigger=wanted)
    done = "trigger_enabled" if enabled else "trigger_disabled"
    update = visit.services.triggers.UpdateTrigger
    return await act(visit, update, request, show=show, path=page_of(visit), done=done)


PAGES = (
    Page("POST", "/console/triggers/{trigger_id}/enable", enable),
    Page("POST", "/console/triggers/{trigger_id}/disable", disable),
    Page("POST", "/console/triggers/{trigger_id}/flush", flush),
    Page("POST", "/console/triggers/{trigger_id}/delete", delete),
)
