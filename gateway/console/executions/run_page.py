"""One run: its state, the end of its log as it grows, what it left behind."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import Response

from gateway.console.executions.view import RunView, run_view
from gateway.console.names import names_of
from gateway.console.page import Page
from gateway.console.readable import readable_log, size
from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.run_pb2 import Run

SHOWN_BYTES = 64 * 1024


async def show(visit: ConsoleVisit) -> Response:
    """GET /console/runs/{run_id}"""
    return await _shown(visit, "executions/run.html", fragment=False)


async def live(visit: ConsoleVisit) -> Response:
    """GET /console/runs/{run_id}/live: what changes, for its page."""
    return await _shown(visit, "executions/_run.html", fragment=True)


async def _shown(visit: ConsoleVisit, template: str, *, fragment: bool) -> Response:
    request = pb.GetRunRequest(account_id=visit.account_id, run_id=visit.number("run_id"))
    run = (await visit.ask(visit.services.triggers.GetRun, request)).run
    names = await names_of(visit, [run.task_id])
    view: RunView = run_view(run, names, visit.now)
    left_out = max(0, run.log_bytes - SHOWN_BYTES)
    log, trouble = await _log_end(visit, run, left_out)
    return visit.page(
        template,
        run=view,
        log=log,
        trouble=trouble,
        left_out=size(left_out) if left_out else "",
        fragment=fragment,
    )


async def _log_end(visit: ConsoleVisit, run: Run, offset: int) -> tuple[str, str]:
    """Its log from an offset on, as whole lines; and why there is none although something was written."""
    if not run.log_bytes:
        return "", ""
    request = pb.GetRunLogRequest(account_id=visit.account_id, run_id=run.run_id, offset=offset)
    content = b""
    try:
        stream: AsyncGenerator[pb.GetRunLogResponse, None]
        stream = await visit.services.stream(visit.services.triggers.GetRunLog, request, visit.metadata())
        async with aclosing(stream) as answers:
            async for answer in answers:
                content += answer.chunk
                if len(content) >= 2 * SHOWN_BYTES:  # it grows while it is read
                    break
    except HttpError as error:
        if error.status == 401:
            raise
        return "", error.message
    if not content:
        return "", "what it wrote is gone: logs are kept for 30 days"
    if offset:
        content = content.partition(b"\n")[2] or content
    return readable_log(content), ""


PAGES = (
    Page("GET", "/console/runs/{run_id}", show),
    Page("GET", "/console/runs/{run_id}/live", live),
)
