"""One execution: its state and runs, renewed while it is under way, its payload, and what can be done about it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import Response

from gateway.console.act import act, again
from gateway.console.executions.listing import views
from gateway.console.executions.view import ExecutionView
from gateway.console.page import Page
from gateway.console.readable import readable, size
from gateway.console.refusal import NO_REFUSAL, Refusal
from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError
from runhook.trigger.v1 import trigger_service_pb2 as pb

ID = "execution_id"
SHOWN_BYTES = 64 * 1024


async def show(visit: ConsoleVisit, *, status: int = 200, refusal: Refusal = NO_REFUSAL) -> Response:
    """GET /console/executions/{execution_id}"""
    execution = await _execution(visit)
    payload, trouble = await _payload(visit, execution)
    shown = size(min(execution.payload_bytes, SHOWN_BYTES))
    return visit.page(
        "executions/page.html",
        status=status,
        refusal=refusal,
        execution=execution,
        payload=payload,
        trouble=trouble,
        shown=shown if execution.payload_bytes > SHOWN_BYTES else "",
        fragment=False,
    )


async def live(visit: ConsoleVisit) -> Response:
    """GET /console/executions/{execution_id}/live: what changes, for its page."""
    return visit.page("executions/_live.html", execution=await _execution(visit), fragment=True)


async def cancel(visit: ConsoleVisit) -> Response:
    """POST /console/executions/{execution_id}/cancel"""
    request = pb.CancelExecutionRequest(account_id=visit.account_id, execution_id=visit.text(ID))
    return await act(
        visit,
        visit.services.triggers.CancelExecution,
        request,
        show=show,
        path=f"/console/executions/{visit.text(ID)}",
        done="execution_cancelled",
    )


async def rerun(visit: ConsoleVisit) -> Response:
    """POST /console/executions/{execution_id}/rerun: leads to the new one."""
    request = pb.RerunExecutionRequest(
        account_id=visit.account_id,
        execution_id=visit.text(ID),
        from_failed_step=visit.form.has("from_failed_step"),
    )
    try:
        answer = await visit.ask(visit.services.triggers.RerunExecution, request)
    except HttpError as error:
        return await again(visit, error, show)
    return visit.redirect(f"/console/executions/{answer.execution.execution_id}", done="execution_started")


async def _execution(visit: ConsoleVisit) -> ExecutionView:
    request = pb.GetExecutionRequest(account_id=visit.account_id, execution_id=visit.text(ID))
    answer = await visit.ask(visit.services.triggers.GetExecution, request)
    return (await views(visit, [answer.execution]))[0]


async def _payload(visit: ConsoleVisit, execution: ExecutionView) -> tuple[str, str]:
    """Its first bytes as text, and why there are none."""
    if not execution.payload_bytes:
        return "", ""
    request = pb.GetExecutionPayloadRequest(account_id=visit.account_id, execution_id=execution.execution_id)
    rpc = visit.services.triggers.GetExecutionPayload
    content = b""
    try:
        stream: AsyncGenerator[pb.GetExecutionPayloadResponse, None]
        stream = await visit.services.stream(rpc, request, visit.metadata())
        async with aclosing(stream) as answers:
            async for answer in answers:
                content += answer.chunk
                if len(content) >= SHOWN_BYTES:
                    break
    except HttpError as error:
        if error.status == 401:
            raise
        return "", error.message
    return readable(content[:SHOWN_BYTES]), ""


PAGES = (
    Page("GET", "/console/executions/{execution_id}", show),
    Page("GET", "/console/executions/{execution_id}/live", live),
    Page("POST", "/console/executions/{execution_id}/cancel", cancel),
    Page("POST", "/console/executions/{execution_id}/rerun", rerun),
)
