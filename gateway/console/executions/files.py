"""What is taken away from executions and runs: payloads, logs, artifacts, byte for byte.

Invariant: none of it is ever opened as a page of the console: browsers save it, whatever it is.
"""

from collections.abc import AsyncGenerator
from typing import Any

from starlette.responses import Response

from gateway.console.page import Page
from gateway.console.rendering import HEADERS
from gateway.console.visit import ConsoleVisit
from gateway.services import StreamMethod
from gateway.streamed import Streamed
from runhook.trigger.v1 import trigger_service_pb2 as pb

_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"


async def payload(visit: ConsoleVisit) -> Response:
    """GET /console/executions/{execution_id}/payload"""
    execution_id = visit.text("execution_id")
    request = pb.GetExecutionPayloadRequest(account_id=visit.account_id, execution_id=execution_id)
    rpc = visit.services.triggers.GetExecutionPayload
    return await _file(visit, rpc, request, media_type=_TEXT, name=f"{execution_id}.payload.txt")


async def log(visit: ConsoleVisit) -> Response:
    """GET /console/runs/{run_id}/log"""
    request = pb.GetRunLogRequest(account_id=visit.account_id, run_id=visit.number("run_id"))
    name = f"run-{visit.number('run_id')}.log"
    return await _file(visit, visit.services.triggers.GetRunLog, request, media_type=_TEXT, name=name)


async def artifact(visit: ConsoleVisit) -> Response:
    """GET /console/runs/{run_id}/artifacts/{name}"""
    name = visit.text("name")
    request = pb.GetArtifactRequest(account_id=visit.account_id, run_id=visit.number("run_id"), name=name)
    return await _file(visit, visit.services.triggers.GetArtifact, request, media_type=_BYTES, name=name)


async def _file(
    visit: ConsoleVisit, method: StreamMethod[Any, Any], request: Any, *, media_type: str, name: str
) -> Response:
    """`name` is one that the service knows: it has found what it stands for."""
    answers = await visit.services.stream(method, request, visit.metadata())
    answer = Streamed(_chunks(answers), media_type=media_type, disposition="attachment", name=name)
    answer.headers.update(HEADERS)
    return answer


async def _chunks(answers: AsyncGenerator[Any, None]) -> AsyncGenerator[bytes, None]:
    try:
        async for answer in answers:
            yield answer.chunk
    finally:
        await answers.aclose()


PAGES = (
    Page("GET", "/console/executions/{execution_id}/payload", payload),
    Page("GET", "/console/runs/{run_id}/log", log),
    Page("GET", "/console/runs/{run_id}/artifacts/{name}", artifact),
)
