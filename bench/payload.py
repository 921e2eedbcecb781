"""The event that the load is made of: a completed run whose delivered body is BODY_BYTES long.

Invariant: event n of a load goes to endpoint n modulo the endpoints and to no other, because each endpoint's
subscription names one job of its own.
"""

import json
from dataclasses import dataclass
from functools import cached_property

from google.protobuf.timestamp_pb2 import Timestamp

from runhook.delivery.v1.event_pb2 import RUN_STATUS_SUCCESS, Event, JobRun

BODY_BYTES = 700
EVENT_TYPE = "job.run.completed"
_RUN_FINISH_SECONDS = 1_795_325_372
_RUN_START_SECONDS = _RUN_FINISH_SECONDS - 85


@dataclass(frozen=True, kw_only=True)
class Load:
    """Whose events they are: the account, the job of endpoint 0 (endpoint n has first_job_id + n), how many endpoints,
    and a prefix of at most 100 characters that makes the request ids of this load its own."""

    account_id: int
    first_job_id: int
    endpoints: int
    prefix: str

    def endpoint_of(self, number: int) -> int:
        """Where event `number` goes."""
        return number % self.endpoints

    @cached_property
    def job_name(self) -> str:
        """Padding that brings the delivered body to BODY_BYTES."""
        return "n" * (BODY_BYTES - len(rendered(self, 0, _RUN_FINISH_SECONDS * 10**9, "")))

    def event(self, number: int, stamp_ns: int) -> Event:
        """Event `number`, stamped with time.time_ns() for the receiver's latency histogram."""
        return Event(
            account_id=self.account_id,
            event_type=EVENT_TYPE,
            request_id=f"{self.prefix}-{number}",
            job_run=JobRun(
                job_id=self.first_job_id + number % self.endpoints,
                job_name=self.job_name,
                run_id=100_000_001 + number,
                environment_id=1234,
                environment_name="Production",
                dbt_version="1.11.0",
                project_name="Snowflake Github Demo",
                project_id=167194,
                run_status=RUN_STATUS_SUCCESS,
                run_reason=f"t={stamp_ns}",
                run_start_time=_RUN_START,
                run_finish_time=_RUN_FINISH,
            ),
        )


def subscription_name(endpoint: int) -> str:
    """Always of the same length, because it is part of the delivered body."""
    return f"bench-{endpoint:03d}"


def rendered(load: Load, number: int, stamp_ns: int, job_name: str) -> bytes:
    """What the receiver should get for an event, with sample ids in place of those that the platform makes."""
    delivery = {
        "accountId": load.account_id,
        "webhooksID": "wsu_2QGRb6TLFTOlBXsWjL4kb0RHTWc",
        "eventId": "wev_2QSUzWMSv40ow7s8n8TfVPVnYua",
        "timestamp": "2026-11-22T05:29:35.789265Z",
        "eventType": EVENT_TYPE,
        "webhookId": "wsu_2QGRb6TLFTOlBXsWjL4kb0RHTWc",
        "webhookName": subscription_name(load.endpoint_of(number)),
        "data": {
            "jobId": str(load.first_job_id + load.endpoint_of(number)),
            "jobName": job_name,
            "runId": str(100_000_001 + number),
            "environmentId": "1234",
            "environmentName": "Production",
            "dbtVersion": "1.11.0",
            "projectName": "Snowflake Github Demo",
            "projectId": "167194",
            "runStatus": "Success",
            "runStatusCode": 10,
            "runStatusMessage": "None",
            "runReason": f"t={stamp_ns}",
            "runStartedAt": "2026-11-22T05:28:07Z",
            "runFinishedAt": "2026-11-22T05:29:32Z",
        },
    }
    return json.dumps(delivery, separators=(",", ":")).encode()


_RUN_START = Timestamp(seconds=_RUN_START_SECONDS)
_RUN_FINISH = Timestamp(seconds=_RUN_FINISH_SECONDS)
