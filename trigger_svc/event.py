"""What the outside world is told of runs and of rejected executions: the outbox's rows as events of delivery_svc.

The same row gives the same events whenever it is built, so that a repeated publish is recognised by its request ids.
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
class Telling:
    """Who is told what beside the events of runs. A cancelled run is announced as completed, a rejected execution as errored
    and completed, only where that is wanted; the operator's account hears of rejected ones."""

    operator_account_id: int | None
    rejected: bool
    cancelled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpublished:
    """What waits to be told of a run; or of a rejected execution, `execution_id`, and then the task is the first that it would
    have executed: 0 when it is gone."""

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
    execution_id: str
    subject_name: str


def events_of(row: Unpublished, telling: Telling) -> list[event_pb2.Event]:
    """The events of an outbox row, in the order in which they are told; none where nobody wants to know."""
    if not row.execution_id:
        if row.run_state == "CANCELLED" and not telling.cancelled:
            return []
        return [_run_event(row, row.event_type, f"run-{row.run_id}")]
    events = [] if telling.operator_account_id is None else [_rejection(row, telling.operator_account_id)]
    if telling.rejected and row.task_id:
        events += [
            _run_event(row, event_type, f"execution-{row.execution_id}")
            for event_type in ("job.run.errored", "job.run.completed")
        ]
    return events


def _rejection(row: Unpublished, operator_account_id: int) -> event_pb2.Event:
    return event_pb2.Event(
        account_id=operator_account_id,
        event_type=row.event_type,
        request_id=f"execution-{row.execution_id}-{row.event_type}",
        event_time=_time(row.event_at),
        operational_fact=event_pb2.OperationalFact(
            account_id=row.account_id, subject=row.execution_id, subject_name=row.subject_name, reason=row.message
        ),
    )


def _run_event(row: Unpublished, event_type: str, subject: str) -> event_pb2.Event:
    """A message stands in it only where a run failed; elsewhere it goes out as "None"."""
    return event_pb2.Event(
        account_id=row.account_id,
        event_type=event_type,
        request_id=f"{subject}-{event_type}",
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
