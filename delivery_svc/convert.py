"""Protobuf to nouns and back. Every rule of event.proto is checked here, and every bad field is named at once."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

import asyncpg
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import BadField, InvalidInput
from delivery_svc.event import (
    END_KEY,
    LARGEST_BATCH,
    LARGEST_DATA,
    LONGEST_REQUEST_ID,
    MOST_EVENTS,
    RUN_STATUS,
    RUN_TYPES,
    SECOND,
    TRACEPARENT,
    JobRun,
    NewEvent,
    render_data,
)
from delivery_svc.head import shown_head
from delivery_svc.operational import OPERATIONAL_TYPES, OperationalFact, operational_event
from delivery_svc.recent import Search, Shown
from delivery_svc.sending.exchange import ErrorClass
from runhook.delivery.v1 import delivery_pb2, event_pb2
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import DeliveryState

# Printable ASCII: it stands in logs and in error messages.
_REQUEST_ID = re.compile(r"[\x21-\x7e]+")
NOT_WRITABLE = "is not a time that can be written: years 1970 to 9999, nanos 0 to 999,999,999"
_LAST_SECOND = 253_402_300_799  # of the year 9999
_LAST_KEPT = 9_214_646_399  # of the year 2261: events' times are nanoseconds in 64 bits


def new_events(request: pb.PublishEventsRequest, *, operational: bool) -> list[NewEvent]:
    """The checked events of a batch; operational ones among them only if they are allowed here.

    InvalidInput names every bad field of every event.
    """
    if not 1 <= len(request.events) <= MOST_EVENTS:
        raise InvalidInput([BadField("events", f"must hold 1 to {MOST_EVENTS:,} events, not {len(request.events):,}")])
    bad: list[BadField] = []
    events = []
    for index, event in enumerate(request.events):
        faults = list(_faults(event, operational))
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


def _faults(event: event_pb2.Event, operational: bool) -> Iterator[tuple[str, str]]:
    """Field and sentence for every broken rule."""
    if event.account_id <= 0:
        yield "account_id", "is required: a number above 0"
    operational = operational and event.event_type in OPERATIONAL_TYPES
    if not operational and event.event_type not in RUN_TYPES:
        yield "event_type", f"must be one of {', '.join(sorted(RUN_TYPES))}"
    request_id = event.request_id
    if request_id and (len(request_id) > LONGEST_REQUEST_ID or not _REQUEST_ID.fullmatch(request_id)):
        yield "request_id", f"must be at most {LONGEST_REQUEST_ID} printable ASCII characters"
    if event.HasField("event_time"):
        if not writable(event.event_time):
            yield "event_time", NOT_WRITABLE
        elif event.event_time.seconds > _LAST_KEPT:
            yield "event_time", "is too late to be kept to the nanosecond: years 1970 to 2261"
    if event.traceparent and not TRACEPARENT.fullmatch(event.traceparent):
        yield "traceparent", "must be a W3C traceparent of version 00, in lower-case hex"
    if operational:
        yield from _fact_faults(event.operational_fact)
    elif event.HasField("job_run"):
        yield from _run_faults(event.job_run, event.event_type)
    else:
        yield "job_run", "is required"


def _fact_faults(fact: event_pb2.OperationalFact) -> Iterator[tuple[str, str]]:
    if fact.account_id <= 0:
        yield "operational_fact.account_id", "is required: a number above 0"
    if not fact.subject:
        yield "operational_fact.subject", "is required: the id of what it tells of"


def _run_faults(run: event_pb2.JobRun, event_type: str) -> Iterator[tuple[str, str]]:
    if min(run.job_id, run.run_id, run.environment_id, run.project_id) <= 0:
        for name in ("job_id", "run_id", "environment_id", "project_id"):
            if getattr(run, name) <= 0:
                yield f"job_run.{name}", "is required: a number above 0"
    if run.run_status not in RUN_STATUS:
        yield "job_run.run_status", "is required: one of the values of RunStatus"
    if run.HasField("run_start_time") and not writable(run.run_start_time):
        yield "job_run.run_start_time", NOT_WRITABLE
    if run.HasField("run_finish_time"):
        if not writable(run.run_finish_time):
            yield "job_run.run_finish_time", NOT_WRITABLE
    elif event_type in END_KEY:
        yield "job_run.run_finish_time", f"is required for {event_type}"


def writable(time: Timestamp) -> bool:
    """Whether it is within the years 1970 to 9999."""
    return 0 <= time.seconds <= _LAST_SECOND and 0 <= time.nanos < SECOND


def _new(event: event_pb2.Event) -> NewEvent:
    event_type = event.event_type
    request_id = event.request_id
    time_ns = event.event_time.seconds * SECOND + event.event_time.nanos if event.HasField("event_time") else None
    if event_type in OPERATIONAL_TYPES:
        fact = event.operational_fact
        told = OperationalFact(
            account_id=fact.account_id, subject=fact.subject, subject_name=fact.subject_name, reason=fact.reason
        )
        return operational_event(
            event.account_id, event_type, told, request_id=request_id or None, event_time_ns=time_ns
        )
    data = render_data(event_type, _job_run(event.job_run))
    return NewEvent(
        account_id=event.account_id,
        event_type=event_type,
        job_id=event.job_run.job_id,
        request_id=request_id or None,
        event_time_ns=time_ns,
        data=data,
        # Only what has a request id is ever compared. The trace is not: who repeats a call is in another one.
        body_hash=_digest(event_type, time_ns, data) if request_id else b"",
        traceparent=event.traceparent or None,
    )


def _job_run(run: event_pb2.JobRun) -> JobRun:
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


def _digest(event_type: str, time_ns: int | None, data: bytes) -> bytes:
    return hashlib.blake2b(f"{event_type}\n{time_ns}\n".encode() + data, digest_size=16).digest()


def search(request: pb.ListDeliveriesRequest) -> Search:
    """What a page is asked for. A state that is none of ours finds nothing to filter by."""
    state = DeliveryState.Name(request.state) if request.state in DeliveryState.values() else ""
    return Search(
        page_size=request.page_size,
        page_token=request.page_token,
        skip=request.skip,
        state=state.removeprefix("DELIVERY_STATE_") if request.state else None,
        published_after=_moment(request, "published_after"),
        published_before=_moment(request, "published_before"),
    )


def delivery(shown: Shown) -> delivery_pb2.Delivery:
    """The delivery as callers see it."""
    return delivery_pb2.Delivery(
        delivery_id=shown.id,
        event_id=shown.event_id,
        subscription_id=shown.subscription_id,
        account_identifier=shown.account_identifier,
        event_type=shown.event_type,
        job_id=shown.job_id,
        state=DeliveryState.Value(f"DELIVERY_STATE_{shown.state}"),
        reason=shown.reason,
        attempt_count=shown.attempts,
        last_status_code=shown.last_status_code,
        create_time=timestamp(shown.published_at),
        finish_time=None if shown.finished_at is None else timestamp(shown.finished_at),
        body=shown.body,
        test=shown.test,
    )


def attempt(row: asyncpg.Record, shown: Shown) -> delivery_pb2.Attempt:
    """An attempt of that delivery as callers see it."""
    answered = row["error"] == ErrorClass.NONE
    head = shown_head(shown.event_id, row["began_us"], len(shown.body), row["custom_names"])
    made = delivery_pb2.Attempt(
        attempt_id=f"wrc_{row['id']:016x}",
        number=row["number"],
        status_code=row["status_code"],
        error="" if answered else row["error"],
        error_message=row["detail"],
        response_body=row["response_body"],
        request_headers=[delivery_pb2.Header(name=name, value=value) for name, value in head],
        response_headers=list(_headers(row["response_headers"])),
        manual=row["manual"],
        phase=row["phase"],
    )
    made.send_time.FromMicroseconds(row["began_us"])
    made.duration.FromMicroseconds(row["duration_us"])
    phases = (
        (made.resolve_duration, "resolve_us"),
        (made.connect_duration, "connect_us"),
        (made.tls_duration, "tls_us"),
    )
    for duration, column in phases:
        if row[column] is not None:
            duration.FromMicroseconds(row[column])
    return made


def _headers(lines: bytes) -> Iterator[delivery_pb2.Header]:
    for line in lines.decode("latin-1").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield delivery_pb2.Header(name=name, value=value.strip())


def _moment(
    request: pb.ListDeliveriesRequest, field: Literal["published_after", "published_before"]
) -> datetime | None:
    if not request.HasField(field):
        return None
    time: Timestamp = getattr(request, field)
    if not writable(time):
        raise InvalidInput([BadField(field, NOT_WRITABLE)])
    return time.ToDatetime(UTC)


def timestamp(moment: datetime) -> Timestamp:
    """The moment in protobuf, to the microsecond."""
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
