"""The three sample events, and what a delivered body must look like beside them.

The samples stand in examples/payloads as they were published; a body has their keys, in their order and with their
types, and `webhookId` before `webhookName`.
"""

import json
from pathlib import Path
from typing import Any

EVENT_TYPES = ("job.run.started", "job.run.completed", "job.run.errored")
_FOLDER = Path(__file__).parents[1] / "payloads"


def sample(event_type: str) -> dict[str, Any]:
    """The sample of an event type."""
    read: dict[str, Any] = json.loads((_FOLDER / f"{event_type}.json").read_bytes())
    return read


def of_job(job_id: str, event: dict[str, Any]) -> dict[str, Any]:
    """The same event of another job."""
    return {**event, "data": {**event["data"], "jobId": job_id}}


def delivered(event: dict[str, Any], *, event_id: str, webhook: dict[str, Any]) -> bytes:
    """The body that a webhook must get for an event, to the byte: compact JSON in UTF-8."""
    body = {
        "accountId": int(webhook["account_id"]),
        "webhooksID": webhook["id"],
        "eventId": event_id,
        "timestamp": event["timestamp"],
        "eventType": event["eventType"],
        "webhookId": webhook["id"],
        "webhookName": webhook["name"],
        "data": event["data"],
    }
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def shape(event: dict[str, Any]) -> list[tuple[str, str]]:
    """Keys with their JSON types, in their order, `data` included; `webhookId` left out, which samples lack."""
    outer = [(key, type(value).__name__) for key, value in event.items() if key != "webhookId"]
    return outer + [(f"data.{key}", type(value).__name__) for key, value in event["data"].items()]
