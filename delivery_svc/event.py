"""An event: its types, its limits, and its `data`, rendered once so that every attempt sends the same bytes.

The shape of `data` is contract/outbound.md section 1.4: key order, decimal strings for ids, "None" for no message.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from json.encoder import encode_basestring

MOST_EVENTS = 1000
LARGEST_DATA = 256 * 1024
LARGEST_BATCH = 4 * 1024 * 1024
LONGEST_REQUEST_ID = 128
#: https://www.w3.org/TR/trace-context/#traceparent-header, of version 00.
TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
NO_MESSAGE = "None"
SECOND = 1_000_000_000


class EventType(StrEnum):
    """What can be subscribed to. A cancelled run makes no event (contract, section 1.4)."""

    STARTED = "job.run.started"
    COMPLETED = "job.run.completed"
    ERRORED = "job.run.errored"
    # Operational: for the platform's operator.
    DEACTIVATED = "subscription.deactivated"
    REJECTED = "execution.rejected"


#: The payload's "runStatus" by its "runStatusCode".
RUN_STATUS = {1: "Queued", 2: "Starting", 3: "Running", 10: "Success", 20: "Errored", 30: "Cancelled"}
#: The key of the run's end, by event type: an errored run says when it erred, a started one has no end.
END_KEY: dict[str, str] = {EventType.COMPLETED: "runFinishedAt", EventType.ERRORED: "runErroredAt"}
RUN_TYPES = frozenset({EventType.STARTED.value, EventType.COMPLETED.value, EventType.ERRORED.value})


# What is made once per event is not frozen: that costs four times as much to make.
@dataclass(slots=True)
class JobRun:
    """The facts of a run. Times are whole unix seconds, None where there is none."""

    job_id: int
    job_name: str
    run_id: int
    environment_id: int
    environment_name: str
    dbt_version: str
    project_name: str
    project_id: int
    run_status_code: int
    run_status_message: str
    run_reason: str
    run_started_at: int | None
    run_finished_at: int | None


@dataclass(slots=True, kw_only=True)
class NewEvent:
    """An event as its publisher sent it, checked. `event_time_ns` is None for "when it is stored"."""

    account_id: int
    event_type: str
    job_id: int
    request_id: str | None
    event_time_ns: int | None
    data: bytes
    body_hash: bytes
    #: The publisher's trace context; None when it named none.
    traceparent: str | None = None


@dataclass(slots=True)
class Event:
    """An event as it is stored, shared by all of its deliveries in memory."""

    event_id: str
    account_id: int
    event_type: str
    job_id: int
    event_time_ns: int
    data: bytes
    traceparent: str | None = None


def render_data(event_type: str, run: JobRun) -> bytes:
    """The `data` object: compact JSON in UTF-8, keys in the contract's order."""
    text = encode_basestring
    parts = [
        f'{{"jobId":"{run.job_id}","jobName":{text(run.job_name)},"runId":"{run.run_id}"'
        f',"environmentId":"{run.environment_id}","environmentName":{text(run.environment_name)}'
        f',"dbtVersion":{text(run.dbt_version)},"projectName":{text(run.project_name)},"projectId":"{run.project_id}"'
        f',"runStatus":"{RUN_STATUS[run.run_status_code]}","runStatusCode":{run.run_status_code}'
        f',"runStatusMessage":{text(run.run_status_message or NO_MESSAGE)},"runReason":{text(run.run_reason)}'
    ]
    if run.run_started_at is not None:
        parts.append(f',"runStartedAt":"{second_text(run.run_started_at)}"')
    end_key = END_KEY.get(event_type)
    if end_key is not None and run.run_finished_at is not None:
        parts.append(f',"{end_key}":"{second_text(run.run_finished_at)}"')
    parts.append("}")
    return "".join(parts).encode()


@lru_cache(maxsize=4096)
def second_text(unix_seconds: int) -> str:
    """A run's time: whole seconds and "Z", such as 2023-01-31T19:28:07Z."""
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat()[:19] + "Z"


def nanosecond_text(unix_ns: int) -> str:
    """An event's time: up to nine digits, trailing zeros cut (as in the captured payloads), no point when there are none."""
    seconds, fraction = divmod(unix_ns, SECOND)
    whole = second_text(seconds)
    return f"{whole[:-1]}.{fraction:09d}".rstrip("0") + "Z" if fraction else whole
