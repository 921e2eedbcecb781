"""Runs, twice: as our own resource on /api/v1, and on /api/v2 in the form that receivers of job.run.completed read.

The v2 form holds what a run itself knows; its numbers are numbers, its status is the code of the outbound payload.
"""

import json

from starlette.responses import Response

from gateway import envelope
from gateway.answers import JsonAnswer
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.run_pb2 import Run, RunState

_STATUSES = {
    RunState.RUN_STATE_PENDING: (1, "Queued"),
    RunState.RUN_STATE_RUNNING: (3, "Running"),
    RunState.RUN_STATE_SUCCEEDED: (10, "Success"),
    RunState.RUN_STATE_FAILED: (20, "Error"),
    RunState.RUN_STATE_CANCELLED: (30, "Cancelled"),
}


async def read(visit: Visit) -> Response:
    """GET /api/v1/.../runs/{run_id}"""
    return JsonAnswer(shown(await _find(visit)))


async def read_v2(visit: Visit) -> Response:
    """GET /api/v2/.../runs/{run_id}/"""
    return envelope.success(200, shown_v2(await _find(visit)), is_success=True)


def shown(run: Run) -> dict[str, object]:
    """The run as callers of our own API see it."""
    return {
        "run_id": str(run.run_id),
        "account_id": str(run.account_id),
        "task_id": str(run.task_id),
        "execution_id": run.execution_id,
        "state": RunState.Name(run.state).removeprefix("RUN_STATE_"),
        "reason": run.reason,
        "message": run.message,
        "exit_code": run.exit_code if run.HasField("exit_code") else None,
        "step": run.step if run.HasField("step") else None,
        "log_bytes": run.log_bytes,
        "log_truncated": run.log_truncated,
        "summary": json.loads(run.summary) if run.summary else None,
        "artifact_names": list(run.artifact_names),
        "created_at": shown_time(run.create_time),
        "started_at": shown_time(run.start_time),
        "finished_at": shown_time(run.finish_time),
    }


def shown_v2(run: Run) -> dict[str, object]:
    """The run as receivers of our deliveries know it from the vendor."""
    code, word = _STATUSES.get(run.state, _STATUSES[RunState.RUN_STATE_PENDING])
    return {
        "id": run.run_id,
        "account_id": run.account_id,
        "job_definition_id": run.task_id,
        "job_id": run.task_id,
        "status": code,
        "status_humanized": word,
        "status_message": run.message or None,
        "created_at": shown_time(run.create_time),
        "started_at": shown_time(run.start_time),
        "finished_at": shown_time(run.finish_time),
        "in_progress": code < 10,
        "is_complete": code >= 10,
        "is_success": code == 10,
        "is_error": code == 20,
        "is_cancelled": code == 30,
    }


async def _find(visit: Visit) -> Run:
    request = pb.GetRunRequest(account_id=visit.account_id, run_id=visit.number("run_id"))
    return (await visit.ask(visit.services.triggers.GetRun, request)).run
