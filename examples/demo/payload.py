"""The three sample events, and what a delivered body must look like beside them.

A body has the sample's keys, in their order and with their types, and one key more: `webhookId` before `webhookName`.
"""

import json
from pathlib import Path
from typing import Any

EVENT_TYPES = ("job.run.started", "job.run.completed", "job.run.errored")
_FOLDER = Path(__file__).parents[1] / "payloads"


def sample(event_type: str) -> dict[str, Any]:
    """The sample of an event type, as it was published."""
    read: dict[str, Any] = json.loads((_FOLDER / f"{event_type}.json").read_bytes())
    return read


def about(event: dict[str, Any]) -> tuple[str, str, str]:
    """Event type, job id and run id."""
    return event["eventType"], event["data"]["jobId"], event["data"]["runId"]


def body_of(event: dict[str, Any], *, event_id: str, webhook: dict[str, Any]) -> bytes:
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


def in_shape(event: dict[str, Any]) -> bool:
    """Whether keys, their order and their types are those of the sample of its type."""
    expected = _shape(sample(event["eventType"]))
    place = expected.index(("webhookName", str))
    return _shape(event) == [*expected[:place], ("webhookId", str), *expected[place:]]


def _shape(event: dict[str, Any]) -> list[tuple[str, type]]:
    return [(key, type(value)) for part in (event, event["data"]) for key, value in part.items()]
