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

Fault = tuple[str, str]  # field and sentence

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
        faults: list[Fault] = []
        new = _run_event(event, faults) if event.event_type in RUN_TYPES else _other_event(event, faults, operational)
        if new is not None:
            events.append(new)
        # The path is made for what is bad alone: a batch of a thousand good events is the common case.
        bad += [BadField(f"events[{index}].{field}", message) for field, message in faults]
    if not bad and sum(len(event.data) for event in events) > LARGEST_BATCH:
        bad.append(BadField("events", "are more than 4 MiB together when rendered: send fewer at once"))
    if bad:
        raise InvalidInput(bad)
    return events


def _run_event(event: event_pb2.Event, faults: list[Fault]) -> NewEvent | None:
    """None with `faults` when a rule is broken. Every field is read once: reading costs more than checking."""
    event_type, account_id, request_id = event.event_type, event.account_id, event.request_id
    time_ns = _envelope(event, account_id, request_id, faults)
    sent = event.job_run
    run = _job_run(sent)
    faults += _run_faults(sent, run, event_type) if event.HasField("job_run") else [("job_run", "is required")]
    if faults:
        return None
    data = render_data(event_type, run)
    if len(data) > LARGEST_DATA:
        faults.append(("job_run", "is more than 256 KiB when rendered"))
        return None
    return NewEvent(
        account_id=account_id,
        event_type=event_type,
        job_id=run.job_id,
        request_id=request_id or None,
        event_time_ns=time_ns,
        data=data,
        # Only what has a request id is ever compared. The trace is not: who repeats a call is in another one.
        body_hash=_digest(event_type, time_ns, data) if request_id else b"",
        traceparent=event.traceparent or None,
    )


def _other_event(event: event_pb2.Event, faults: list[Fault], operational: bool) -> NewEvent | None:
    """An operational event, or none at all."""
    event_type, account_id, request_id = event.event_type, event.account_id, event.request_id
    time_ns = _envelope(event, account_id, request_id, faults)
    fact = event.operational_fact
    if operational and event_type in OPERATIONAL_TYPES:
        faults += _fact_faults(fact)
    else:
        faults.append(("event_type", f"must be one of {', '.join(sorted(RUN_TYPES))}"))
        run = event.job_run
        faults += (
            _run_faults(run, _job_run(run), event_type) if event.HasField("job_run") else [("job_run", "is required")]
        )
    if faults:
        return None
    told = OperationalFact(
        account_id=fact.account_id, subject=fact.subject, subject_name=fact.subject_name, reason=fact.reason
    )
    return operational_event(account_id, event_type, told, request_id=request_id or None, event_time_ns=time_ns)


def _envelope(event: event_pb2.Event, account_id: int, request_id: str, faults: list[Fault]) -> int | None:
    """Checks what all events have. The event's time in nanoseconds, None when it names none."""
    if account_id <= 0:
        faults.append(("account_id", "is required: a number above 0"))
    if request_id and (len(request_id) > LONGEST_REQUEST_ID or not _REQUEST_ID.fullmatch(request_id)):
        faults.append(("request_id", f"must be at most {LONGEST_REQUEST_ID} printable ASCII characters"))
    traceparent = event.traceparent
    if traceparent and not TRACEPARENT.fullmatch(traceparent):
        faults.append(("traceparent", "must be a W3C traceparent of version 00, in lower-case hex"))
    if not event.HasField("event_time"):
        return None
    time = event.event_time
    if not writable(time):
        faults.append(("event_time", NOT_WRITABLE))
    elif time.seconds > _LAST_KEPT:
        faults.append(("event_time", "is too late to be kept to the nanosecond: years 1970 to 2261"))
    return time.seconds * SECOND + time.nanos


def _fact_faults(fact: event_pb2.OperationalFact) -> Iterator[Fault]:
    if fact.account_id <= 0:
        yield "operational_fact.account_id", "is required: a number above 0"
    if not fact.subject:
        yield "operational_fact.subject", "is required: the id of what it tells of"


def _run_faults(sent: event_pb2.JobRun, run: JobRun, event_type: str) -> list[Fault]:
    faults = []
    if run.job_id <= 0 or run.run_id <= 0 or run.environment_id <= 0 or run.project_id <= 0:
        for name in ("job_id", "run_id", "environment_id", "project_id"):
            if getattr(run, name) <= 0:
                faults.append((f"job_run.{name}", "is required: a number above 0"))
    if run.run_status_code not in RUN_STATUS:
        faults.append(("job_run.run_status", "is required, such as Success"))
    if run.run_started_at is not None and not writable(sent.run_start_time):
        faults.append(("job_run.run_start_time", NOT_WRITABLE))
    if run.run_finished_at is None:
        if event_type in END_KEY:
            faults.append(("job_run.run_finish_time", f"is required for {event_type}"))
    elif not writable(sent.run_finish_time):
        faults.append(("job_run.run_finish_time", NOT_WRITABLE))
    return faults


def writable(time: Timestamp) -> bool:
    """Whether it is within the years 1970 to 9999."""
    return 0 <= time.seconds <= _LAST_SECOND and 0 <= time.nanos < SECOND


def _job_run(run: event_pb2.JobRun) -> JobRun:
    # By position: names would double what this costs, and every published event passes here.
    return JobRun(
        run.job_id,
        run.job_name,
        run.run_id,
        run.environment_id,
        run.environment_name,
        run.dbt_version,
        run.project_name,
        run.project_id,
        run.run_status,
        run.run_status_message,
        run.run_reason,
        run.run_start_time.seconds if run.HasField("run_start_time") else None,
        run.run_finish_time.seconds if run.HasField("run_finish_time") else None,
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
        event_type=request.event_type,
        job_id=request.job_id,
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
        next_attempt_time=None if shown.next_attempt_at is None else timestamp(shown.next_attempt_at),
        erase_time=None if shown.erased_at is None else timestamp(shown.erased_at),
    )


def attempt(row: asyncpg.Record, shown: Shown) -> delivery_pb2.Attempt:
    """An attempt of that delivery as callers see it."""
    answered = row["error"] == ErrorClass.NONE
    head = shown_head(shown.event_id, row["began_us"], len(shown.body), row["custom_names"])
    if not shown.body:  # erased, and so is how long it was
        head = [(name, value) for name, value in head if name != "Content-Length"]
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
