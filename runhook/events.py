"""Publishing. Invariant: every event goes out with a request id, so that repeating a publish stores nothing twice."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict, Unpack

from runhook.connection import Connection
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from runhook.delivery.v1.event_pb2 import Event, JobRun, RunStatus
from runhook.timestamps import timestamp_of

if TYPE_CHECKING:
    from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceAsyncStub


class Events:
    """Facts about job runs, published to every subscription that wants them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> "DeliveryServiceAsyncStub":
        return DeliveryServiceStub(self._connection.channel)

    async def publish(self, events: Sequence[Event]) -> Sequence[str]:
        """Publishes 1 to 1,000 events, all or none. Returns their ids ("wev_..."), in the order of the events.

        An event without a request_id is given one, in the message itself: after Unavailable or DeadlineExceeded publish
        the same messages again, and what was stored is answered with its first id. For a repetition that survives the
        end of the program, set request_id to something that follows from the event. AlreadyExists: a request_id that came
        before with another event.
        """
        for event in events:
            event.request_id = event.request_id or uuid.uuid4().hex
        request = pb.PublishEventsRequest(events=events)
        answer = await self._connection.call(self._stub.PublishEvents, request, repeatable=True)
        return answer.event_ids


class RunFacts(TypedDict):
    """What identifies and describes a run: fields of JobRun in protos/runhook/delivery/v1/event.proto."""

    job_id: int
    run_id: int
    environment_id: int
    project_id: int
    job_name: NotRequired[str]
    environment_name: NotRequired[str]
    project_name: NotRequired[str]
    dbt_version: NotRequired[str]
    run_status_message: NotRequired[str]
    run_reason: NotRequired[str]


def job_run_event(
    event_type: Literal["job.run.started", "job.run.completed", "job.run.errored"],
    *,
    account_id: int,
    run_status: Literal["Queued", "Starting", "Running", "Success", "Errored", "Cancelled"],
    run_start_time: datetime | None = None,
    run_finish_time: datetime | None = None,
    event_time: datetime | None = None,
    request_id: str = "",
    **facts: Unpack[RunFacts],
) -> Event:
    """An event about a job run: the fields of Event and JobRun as plain values.

    `run_finish_time` is required of all but started runs. ValueError for a time without a zone, an unknown status and a
    number that does not fit 64 bits; all other rules are the service's.
    """
    run = JobRun(
        run_status=RunStatus.Value(f"RUN_STATUS_{run_status.upper()}"),
        run_start_time=timestamp_of(run_start_time),
        run_finish_time=timestamp_of(run_finish_time),
        **facts,
    )
    return Event(
        account_id=account_id,
        event_type=event_type,
        request_id=request_id,
        event_time=timestamp_of(event_time),
        job_run=run,
    )
