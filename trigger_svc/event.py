"""What the outside world is told of a run: the outbox's rows as events of delivery_svc.

The same row gives the same event whenever it is built, so that a repeated publish is recognised by its request id.
"""

from dataclasses import dataclass
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from runhook.delivery.v1 import event_pb2

STATUS = {
    "RUNNING": event_pb2.RUN_STATUS_RUNNING,
    "SUCCEEDED": event_pb2.RUN_STATUS_SUCCESS,
    "FAILED": event_pb2.RUN_STATUS_ERRORED,
    "CANCELLED": event_pb2.RUN_STATUS_CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpublished:
    """An event that waits, with what it tells of its run."""

    outbox_id: int
    event_type: str
    event_at: datetime
    run_state: str
    message: str
    started_at: datetime | None
    finished_at: datetime | None
    run_id: int
    account_id: int
    task_id: int
    task_name: str
    environment_id: int
    environment_name: str
    project_id: int
    project_name: str
    dbt_version: str
    run_reason: str


def event_of(row: Unpublished) -> event_pb2.Event:
    """The event of an outbox row. A message stands in it only where a run failed; elsewhere it goes out as "None"."""
    return event_pb2.Event(
        account_id=row.account_id,
        event_type=row.event_type,
        request_id=f"run-{row.run_id}-{row.event_type}",
        event_time=_time(row.event_at),
        job_run=event_pb2.JobRun(
            job_id=row.task_id,
            job_name=row.task_name,
            run_id=row.run_id,
            environment_id=row.environment_id,
            environment_name=row.environment_name,
            dbt_version=row.dbt_version,
            project_name=row.project_name,
            project_id=row.project_id,
            run_status=STATUS[row.run_state],
            run_status_message=row.message if row.run_state == "FAILED" else "",
            run_reason=row.run_reason,
            run_start_time=_time(row.started_at),
            run_finish_time=_time(row.finished_at),
        ),
    )


def _time(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
