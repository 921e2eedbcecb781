"""Protobuf to nouns. Every rule of event.proto is checked here, and every bad field is named at once."""

import hashlib
import re
from collections.abc import Iterator

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
NOT_WRITABLE = "is not a time that can be written: years 1970 to 9999, nanos 0 to 999,999,999"
_LAST_SECOND = 253_402_300_799  # of the year 9999


def new_events(request: pb.PublishEventsRequest) -> list[NewEvent]:
    """The checked events of a batch. InvalidInput names every bad field of every event."""
    if not 1 <= len(request.events) <= MOST_EVENTS:
        raise InvalidInput([BadField("events", f"must hold 1 to {MOST_EVENTS:,} events, not {len(request.events):,}")])
    bad: list[BadField] = []
    events = []
    for index, event in enumerate(request.events):
        faults = list(_faults(event))
        if not faults:
            new = _new(event)
            events.append(new)
            if len(new.data) > LARGEST_DATA:
                faults = [("job_run", "is more than 256 KiB when rendered")]
        # The path is made for what is bad alone: a batch of a thousand good events is the common case.
        bad += [BadField(f"events[{index}].{field}", message) for field, message in faults]
    if not bad and sum(len(event.data) for event in events) > LARGEST_BATCH:
        bad.append(BadField("events", "are more than 4 MiB together when rendered: send fewer at once"))
    if bad:
        raise InvalidInput(bad)
    return events


def _faults(event: event_pb2.Event) -> Iterator[tuple[str, str]]:
    """Field and sentence for every broken rule."""
    if event.account_id <= 0:
        yield "account_id", "is required: a number above 0"
    if event.event_type not in EVENT_TYPES:
        yield "event_type", f"must be one of {', '.join(sorted(EVENT_TYPES))}"
    request_id = event.request_id
    if request_id and (len(request_id) > LONGEST_REQUEST_ID or not _REQUEST_ID.fullmatch(request_id)):
        yield "request_id", f"must be at most {LONGEST_REQUEST_ID} printable ASCII characters"
    if event.HasField("event_time") and not _writable(event.event_time):
        yield "event_time", NOT_WRITABLE
    if event.HasField("job_run"):
        yield from _run_faults(event.job_run, event.event_type)
    else:
        yield "job_run", "is required"


def _run_faults(run: event_pb2.JobRun, event_type: str) -> Iterator[tuple[str, str]]:
    if min(run.job_id, run.run_id, run.environment_id, run.project_id) <= 0:
        for name in ("job_id", "run_id", "environment_id", "project_id"):
            if getattr(run, name) <= 0:
                yield f"job_run.{name}", "is required: a number above 0"
    if run.run_status not in RUN_STATUS:
        yield "job_run.run_status", "is required: one of the values of RunStatus"
    if run.HasField("run_start_time") and not _writable(run.run_start_time):
        yield "job_run.run_start_time", NOT_WRITABLE
    if run.HasField("run_finish_time"):
        if not _writable(run.run_finish_time):
            yield "job_run.run_finish_time", NOT_WRITABLE
    elif event_type in END_KEY:
        yield "job_run.run_finish_time", f"is required for {event_type}"


def _writable(time: Timestamp) -> bool:
    return 0 <= time.seconds <= _LAST_SECOND and 0 <= time.nanos < SECOND


def _new(event: event_pb2.Event) -> NewEvent:
    run = event.job_run
    event_type = event.event_type
    request_id = event.request_id
    time_ns = event.event_time.seconds * SECOND + event.event_time.nanos if event.HasField("event_time") else None
    data = render_data(
        event_type,
        JobRun(
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
        ),
    )
    return NewEvent(
        account_id=event.account_id,
        event_type=event_type,
        job_id=run.job_id,
        request_id=request_id or None,
        event_time_ns=time_ns,
        data=data,
        # Only what has a request id is ever compared.
        body_hash=_digest(event_type, time_ns, data) if request_id else b"",
    )


def _digest(event_type: str, time_ns: int | None, data: bytes) -> bytes:
    return hashlib.blake2b(f"{event_type}\n{time_ns}\n".encode() + data, digest_size=16).digest()
