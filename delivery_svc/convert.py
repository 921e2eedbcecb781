"""Protobuf to nouns. Every rule of event.proto is checked here, and every bad field is named at once."""

import hashlib
import re

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import BadField, InvalidInput
from delivery_svc.event import (
    END_KEY,
    EVENT_TYPES,
    LARGEST_BATCH,
    LARGEST_DATA,
    LONGEST_REQUEST_ID,
    MOST_EVENTS,
    RUN_STATUS,
    SECOND,
    JobRun,
    NewEvent,
    render_data,
)
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1 import event_pb2

# Printable ASCII: it stands in logs and in error messages.
_REQUEST_ID = re.compile(r"[\x21-\x7e]+")
_LAST_SECOND = 253_402_300_799  # of the year 9999


def new_events(request: pb.PublishEventsRequest) -> list[NewEvent]:
    """The checked events of a batch. InvalidInput names every bad field of every event."""
    if not 1 <= len(request.events) <= MOST_EVENTS:
        raise InvalidInput([BadField("events", f"must hold 1 to {MOST_EVENTS:,} events, not {len(request.events):,}")])
    bad: list[BadField] = []
    events = [event for index, one in enumerate(request.events) if (event := _event(one, f"events[{index}]", bad))]
    if not bad and sum(len(event.data) for event in events) > LARGEST_BATCH:
        bad.append(BadField("events", "are more than 4 MiB together when rendered: send fewer at once"))
    if bad:
        raise InvalidInput(bad)
    return events


def _event(event: event_pb2.Event, path: str, bad: list[BadField]) -> NewEvent | None:
    found = len(bad)
    if event.account_id <= 0:
        bad.append(BadField(f"{path}.account_id", "is required: a number above 0"))
    if event.event_type not in EVENT_TYPES:
        bad.append(BadField(f"{path}.event_type", f"must be one of {', '.join(sorted(EVENT_TYPES))}"))
    if event.request_id and (len(event.request_id) > LONGEST_REQUEST_ID or not _REQUEST_ID.fullmatch(event.request_id)):
        bad.append(BadField(f"{path}.request_id", f"must be at most {LONGEST_REQUEST_ID} printable ASCII characters"))
    if event.HasField("event_time"):
        _check_time(event.event_time, f"{path}.event_time", bad)
    if not event.HasField("job_run"):
        bad.append(BadField(f"{path}.job_run", "is required"))
        return None
    _check_run(event.job_run, event.event_type, f"{path}.job_run", bad)
    if len(bad) > found:
        return None
    data = render_data(event.event_type, _run(event.job_run))
    if len(data) > LARGEST_DATA:
        bad.append(BadField(f"{path}.job_run", "is more than 256 KiB when rendered"))
        return None
    return _new(event, data)


def _new(event: event_pb2.Event, data: bytes) -> NewEvent:
    time_ns = None
    if event.HasField("event_time"):
        time_ns = event.event_time.seconds * SECOND + event.event_time.nanos
    digest = hashlib.blake2b(f"{event.event_type}\n{time_ns}\n".encode() + data, digest_size=16).digest()
    return NewEvent(
        account_id=event.account_id,
        event_type=event.event_type,
        job_id=event.job_run.job_id,
        request_id=event.request_id or None,
        event_time_ns=time_ns,
        data=data,
        body_hash=digest,
    )


def _check_run(run: event_pb2.JobRun, event_type: str, path: str, bad: list[BadField]) -> None:
    for name in ("job_id", "run_id", "environment_id", "project_id"):
        if getattr(run, name) <= 0:
            bad.append(BadField(f"{path}.{name}", "is required: a number above 0"))
    if run.run_status not in RUN_STATUS:
        bad.append(BadField(f"{path}.run_status", "is required: one of the values of RunStatus"))
    if run.HasField("run_start_time"):
        _check_time(run.run_start_time, f"{path}.run_start_time", bad)
    if run.HasField("run_finish_time"):
        _check_time(run.run_finish_time, f"{path}.run_finish_time", bad)
    elif event_type in END_KEY:
        bad.append(BadField(f"{path}.run_finish_time", f"is required for {event_type}"))


def _check_time(time: Timestamp, path: str, bad: list[BadField]) -> None:
    if not 0 <= time.seconds <= _LAST_SECOND or not 0 <= time.nanos < SECOND:
        bad.append(BadField(path, "is not a time that can be written: years 1970 to 9999, nanos 0 to 999,999,999"))


def _run(run: event_pb2.JobRun) -> JobRun:
    return JobRun(
        job_id=run.job_id,
        job_name=run.job_name,
        run_id=run.run_id,
        environment_id=run.environment_id,
        environment_name=run.environment_name,
        dbt_version=run.dbt_version,
        project_name=run.project_name,
        project_id=run.project_id,
        run_status_code=run.run_status,
        run_status_message=run.run_status_message,
        run_reason=run.run_reason,
        run_started_at=run.run_start_time.seconds if run.HasField("run_start_time") else None,
        run_finished_at=run.run_finish_time.seconds if run.HasField("run_finish_time") else None,
    )
