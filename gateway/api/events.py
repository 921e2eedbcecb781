"""/api/v1 events: publishing over REST. Keys are those of the delivered payload, so that what went out can be sent in.

`requestId` makes publishing an event idempotent. Ids are decimal strings or numbers; times keep nanoseconds.
"""

import re
from collections.abc import Callable
from typing import Any

from pydantic import Field
from starlette.responses import Response

from chassis.errors import BadField
from gateway.answers import JsonAnswer
from gateway.http_errors import bad_request
from gateway.numbers import Id
from gateway.shapes import Shape, Some
from gateway.times import Time
from gateway.visit import Visit
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.event_pb2 import Event, JobRun, RunStatus

ERRORED = "job.run.errored"
STATUSES = {
    "Queued": RunStatus.RUN_STATUS_QUEUED,
    "Starting": RunStatus.RUN_STATUS_STARTING,
    "Running": RunStatus.RUN_STATUS_RUNNING,
    "Success": RunStatus.RUN_STATUS_SUCCESS,
    "Errored": RunStatus.RUN_STATUS_ERRORED,
    "Cancelled": RunStatus.RUN_STATUS_CANCELLED,
}
_JSON_NAMES = {
    "event_type": "eventType",
    "request_id": "requestId",
    "event_time": "timestamp",
    "job_run": "data",
    "job_id": "jobId",
    "job_name": "jobName",
    "run_id": "runId",
    "environment_id": "environmentId",
    "environment_name": "environmentName",
    "dbt_version": "dbtVersion",
    "project_name": "projectName",
    "project_id": "projectId",
    "run_status": "runStatus",
    "run_status_message": "runStatusMessage",
    "run_reason": "runReason",
    "run_start_time": "runStartedAt",
    "run_finish_time": "runFinishedAt",
}
_OF_EVENT = re.compile(r"events\[(\d+)\]")


class RunData(Shape):
    """`data` of an event. runStatus or runStatusCode says the state; both must agree."""

    job_id: Id = Field(default=0, alias="jobId")
    job_name: str = Field(default="", alias="jobName")
    run_id: Id = Field(default=0, alias="runId")
    environment_id: Id = Field(default=0, alias="environmentId")
    environment_name: str = Field(default="", alias="environmentName")
    dbt_version: str = Field(default="", alias="dbtVersion")
    project_name: str = Field(default="", alias="projectName")
    project_id: Id = Field(default=0, alias="projectId")
    run_status: str = Field(default="", alias="runStatus")
    run_status_code: int = Field(default=0, alias="runStatusCode")
    run_status_message: str = Field(default="", alias="runStatusMessage")
    run_reason: str = Field(default="", alias="runReason")
    run_started_at: Time | None = Field(default=None, alias="runStartedAt")
    run_finished_at: Time | None = Field(default=None, alias="runFinishedAt")
    run_errored_at: Time | None = Field(default=None, alias="runErroredAt")


class EventBody(Shape):
    """One event; `timestamp` absent means when it is stored."""

    event_type: str = Field(default="", alias="eventType")
    request_id: str = Field(default="", alias="requestId")
    timestamp: Time | None = None
    traceparent: str = ""
    data: RunData


class PublishBody(Shape):
    """A batch."""

    events: Some[EventBody]


async def publish(visit: Visit) -> Response:
    """POST .../events: 200 with one event id each, in order, once all are stored."""
    rpc = visit.services.deliveries.PublishEvents
    hopeless = pb.PublishEventsRequest(events=[Event(account_id=visit.account_id)])
    body = await visit.read(PublishBody, rpc, hopeless)
    bad = [field for index, event in enumerate(body.events) for field in _status_complaints(index, event.data)]
    if bad:
        raise await visit.refusal(bad_request(*bad), rpc, hopeless)
    if not body.events:
        raise await visit.refusal(bad_request(BadField("events", "must hold at least one event")), rpc, hopeless)
    request = pb.PublishEventsRequest(events=[_event(event, visit.account_id) for event in body.events])
    answer = await visit.ask(rpc, request, _names(body))
    return JsonAnswer({"eventIds": list(answer.event_ids)})


def _status_complaints(index: int, data: RunData) -> list[BadField]:
    path = f"events[{index}].data"
    known = ", ".join(STATUSES)
    if data.run_status and data.run_status not in STATUSES:
        return [BadField(f"{path}.runStatus", f"must be one of {known}")]
    if data.run_status_code and data.run_status_code not in STATUSES.values():
        numbers = ", ".join(str(int(status)) for status in STATUSES.values())
        return [BadField(f"{path}.runStatusCode", f"must be one of {numbers}")]
    if data.run_status and data.run_status_code and STATUSES[data.run_status] != data.run_status_code:
        return [BadField(f"{path}.runStatusCode", f"must be that of {data.run_status}, or left out")]
    return []


def _event(event: EventBody, account_id: int) -> Event:
    return Event(
        account_id=account_id,
        event_type=event.event_type,
        request_id=event.request_id,
        traceparent=event.traceparent,
        event_time=event.timestamp,
        job_run=_job_run(event.data, errored=event.event_type == ERRORED),
    )


def _job_run(data: RunData, *, errored: bool) -> JobRun:
    ends = (data.run_errored_at, data.run_finished_at) if errored else (data.run_finished_at, data.run_errored_at)
    status: Any = STATUSES[data.run_status] if data.run_status else data.run_status_code
    return JobRun(
        job_id=data.job_id,
        job_name=data.job_name,
        run_id=data.run_id,
        environment_id=data.environment_id,
        environment_name=data.environment_name,
        dbt_version=data.dbt_version,
        project_name=data.project_name,
        project_id=data.project_id,
        run_status=status,
        run_status_message=data.run_status_message,
        run_reason=data.run_reason,
        run_start_time=data.run_started_at,
        run_finish_time=ends[0] if ends[0] is not None else ends[1],
    )


def _names(body: PublishBody) -> Callable[[str], str]:
    """events[0].job_run.run_finish_time > events[0].data.runFinishedAt, or runErroredAt where the event has that."""

    def name(field: str) -> str:
        path = ".".join(_JSON_NAMES.get(part, part) for part in field.split("."))
        event = _OF_EVENT.match(path)
        if event and path.endswith("runFinishedAt") and body.events[int(event[1])].event_type == ERRORED:
            return path.replace("runFinishedAt", "runErroredAt")
        return path

    return name
