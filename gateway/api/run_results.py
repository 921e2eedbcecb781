"""What runs left behind: their logs as text, their artifacts as files, on /api/v1; the artifacts on /api/v2 too, where
receivers of job.run.completed look for them.

Whatever a run wrote is shown as what its name says and never as a page: browsers are told not to guess, and to save it.
"""

from collections.abc import AsyncGenerator

from starlette.responses import Response

from gateway import envelope
from gateway.answers import JsonAnswer
from gateway.numbers import Count
from gateway.shapes import Shape
from gateway.streamed import Streamed
from gateway.visit import Visit
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.run_pb2 import Run

TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
MEDIA_TYPES = {
    "json": "application/json",
    "txt": TEXT,
    "log": TEXT,
    "sql": TEXT,
    "yml": TEXT,
    "yaml": TEXT,
    "md": TEXT,
    "csv": "text/csv; charset=utf-8",
    "xml": "application/xml",
    "html": "text/html; charset=utf-8",
    "gz": "application/gzip",
    "zip": "application/zip",
}


class LogQuery(Shape):
    """Where to begin."""

    offset: Count = 0


async def log(visit: Visit) -> Response:
    """GET /api/v1/.../runs/{run_id}/log?offset="""
    hopeless = pb.ListExecutionsRequest(account_id=visit.account_id, page_size=-1)
    query = await visit.query(LogQuery, visit.services.triggers.ListExecutions, hopeless)
    run_id = visit.number("run_id")
    request = pb.GetRunLogRequest(account_id=visit.account_id, run_id=run_id, offset=query.offset)
    answers: AsyncGenerator[pb.GetRunLogResponse, None] = await visit.stream(visit.services.triggers.GetRunLog, request)
    return Streamed(_chunks(answers), media_type=TEXT, disposition="inline", name=f"run-{run_id}.log")


async def list_(visit: Visit) -> Response:
    """GET /api/v1/.../runs/{run_id}/artifacts"""
    names = (await _run(visit)).artifact_names
    return JsonAnswer({"artifacts": [{"name": name, "media_type": media_type_of(name)} for name in names]})


async def list_v2(visit: Visit) -> Response:
    """GET /api/v2/.../runs/{run_id}/artifacts/"""
    return envelope.success(200, list((await _run(visit)).artifact_names), is_success=True)


async def artifact(visit: Visit) -> Response:
    """GET .../runs/{run_id}/artifacts/{artifact_name}, on /api/v1 and /api/v2"""
    name = visit.text("artifact_name")
    request = pb.GetArtifactRequest(account_id=visit.account_id, run_id=visit.number("run_id"), name=name)
    answers: AsyncGenerator[pb.GetArtifactResponse, None] = await visit.stream(
        visit.services.triggers.GetArtifact, request
    )
    return Streamed(_chunks(answers), media_type=media_type_of(name), disposition="attachment", name=name)


def media_type_of(name: str) -> str:
    """What an artifact is, going by its name.

    >>> media_type_of("run_results.json"), media_type_of("model")
    ('application/json', 'application/octet-stream')
    """
    return MEDIA_TYPES.get(name.rpartition(".")[2].lower(), BYTES)


async def _run(visit: Visit) -> Run:
    request = pb.GetRunRequest(account_id=visit.account_id, run_id=visit.number("run_id"))
    return (await visit.ask(visit.services.triggers.GetRun, request)).run


async def _chunks(
    answers: AsyncGenerator[pb.GetRunLogResponse, None] | AsyncGenerator[pb.GetArtifactResponse, None],
) -> AsyncGenerator[bytes, None]:
    try:
        async for answer in answers:
            yield answer.chunk
    finally:
        await answers.aclose()
