"""/api/v1 windows of a trigger, and the calls in them. Bodies are base64, since they are bytes."""

import base64
from typing import Any, Literal

from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.paging import PageQuery
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.trigger_pb2 import StoredCall, Window, WindowState


class CallsQuery(PageQuery):
    """A page of calls; with their bodies if asked for."""

    with_bodies: Literal["true", "false"] = "false"


async def list_(visit: Visit) -> Response:
    """GET .../triggers/{trigger_id}/windows?page_size=&page_token=: newest first."""
    rpc = visit.services.triggers.ListWindows
    named: Any = {"account_id": visit.account_id, "trigger_id": visit.text("trigger_id")}
    query = await visit.query(PageQuery, rpc, pb.ListWindowsRequest(**named, page_size=-1))
    answer = await visit.ask(
        rpc, pb.ListWindowsRequest(**named, page_size=query.page_size, page_token=query.page_token)
    )
    windows = [shown(one) for one in answer.windows]
    return JsonAnswer({"windows": windows, "next_page_token": answer.next_page_token})


async def read(visit: Visit) -> Response:
    """GET .../triggers/{trigger_id}/windows/{window_id}"""
    request = pb.GetWindowRequest(
        account_id=visit.account_id, trigger_id=visit.text("trigger_id"), window_id=visit.number("window_id")
    )
    return JsonAnswer(shown((await visit.ask(visit.services.triggers.GetWindow, request)).window))


async def calls(visit: Visit) -> Response:
    """GET .../triggers/{trigger_id}/windows/{window_id}/calls?with_bodies=&page_size=&page_token=: in their order."""
    rpc = visit.services.triggers.ListCalls
    named: Any = {
        "account_id": visit.account_id,
        "trigger_id": visit.text("trigger_id"),
        "window_id": visit.number("window_id"),
    }
    query = await visit.query(CallsQuery, rpc, pb.ListCallsRequest(**named, page_size=-1))
    with_bodies = query.with_bodies == "true"
    request = pb.ListCallsRequest(
        **named, with_bodies=with_bodies, page_size=query.page_size, page_token=query.page_token
    )
    answer = await visit.ask(rpc, request)
    found = [_shown_call(one, with_body=with_bodies) for one in answer.calls]
    return JsonAnswer({"calls": found, "next_page_token": answer.next_page_token})


async def flush(visit: Visit) -> Response:
    """POST .../triggers/{trigger_id}/flush: 200 with the window, closed, and the execution that it set going."""
    request = pb.FlushWindowRequest(account_id=visit.account_id, trigger_id=visit.text("trigger_id"))
    answer = await visit.ask(visit.services.triggers.FlushWindow, request)
    return JsonAnswer({"window": shown(answer.window), "execution_id": answer.execution_id})


def shown(window: Window) -> dict[str, object]:
    """A window as callers see it."""
    return {
        "window_id": str(window.window_id),
        "state": WindowState.Name(window.state).removeprefix("WINDOW_STATE_"),
        "size": window.size,
        "threshold": window.threshold,
        "opened_at": shown_time(window.open_time),
        "deadline_at": shown_time(window.deadline_time),
        "closed_at": shown_time(window.close_time),
        "close_reason": window.close_reason,
    }


def _shown_call(call: StoredCall, *, with_body: bool) -> dict[str, object]:
    return {
        "call_id": call.call_id,
        "sequence_number": str(call.sequence_number),
        "window_id": str(call.window_id),
        "media_type": call.media_type,
        "size_bytes": call.size_bytes,
        "received_at": shown_time(call.receive_time),
        "body_base64": base64.b64encode(call.body).decode() if with_body else None,
    }
