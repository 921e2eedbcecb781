"""The forms of text that stand in many places: ids, times, secrets. Each has an example, of which the page makes its own."""

from gateway.numbers import LARGEST
from gateway.openapi.schema import Schema, string


def _public_id(prefix: str, what: str) -> Schema:
    example = f"{prefix}_2YBXZOLrb96DISR4AvppWEP0Cqu"
    return string(f"{what}'s id.", pattern=f"^{prefix}_[0-9A-Za-z]{{27}}$", examples=[example])


def _number_in(description: str, least: int, digits: str) -> Schema:
    number = {"type": "integer", "minimum": least, "maximum": LARGEST}
    return {"description": description, "anyOf": [number, {"type": "string", "pattern": digits}], "examples": ["4711"]}


FORMATS: dict[str, Schema] = {
    "AccountIdentifier": _public_id("act", "An account"),
    "WebhookId": _public_id("wsu", "A webhook subscription"),
    "EventId": _public_id("wev", "An event"),
    "TriggerId": _public_id("trg", "A trigger"),
    "ExecutionId": _public_id("exe", "An execution"),
    "CallId": _public_id("cal", "An inbound call"),
    "AttemptId": string("An attempt's id.", pattern="^wrc_[0-9a-f]{16}$", examples=["wrc_06a5f1c3b2d4e879"]),
    "Number": string(
        "A 64-bit number above 0 in decimal: more than many JSON readers hold as a number.",
        pattern="^[1-9][0-9]{0,18}$",
        examples=["4711"],
    ),
    "NumberIn": _number_in("A number above 0, or a string of its digits.", 1, "^[1-9][0-9]{0,17}$"),
    "NumberOrZeroIn": _number_in(
        "A number, or a string of its digits. 0 means that none is given.", 0, "^[0-9]{1,18}$"
    ),
    "Microseconds": string(
        "Microseconds since 1970-01-01T00:00:00Z in decimal.", pattern="^[0-9]{16}$", examples=["1675193375789265"]
    ),
    "Time": string(
        "RFC 3339 in UTC with 0, 3, 6 or 9 digits of a second.",
        format="date-time",
        pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.]([0-9]{3}){1,3})?Z$",
        examples=["2026-01-31T19:29:35.789265Z"],
    ),
    "TimeIn": string(
        "RFC 3339 with at most nine digits of a second, of the years 1970 to 9999.",
        format="date-time",
        examples=["2099-12-31T19:29:35.789265936Z"],
    ),
    "SigningSecret": string(
        "40 lower-case hex characters. The HMAC key is this text's bytes, not the 20 bytes that it spells.",
        pattern="^[0-9a-f]{40}$",
        examples=["9e107d9d372bb6826bd81d3542a419d6c3d21b7a"],
    ),
    "ServiceTokenText": string(
        "What callers send as `Authorization: Bearer ...`.",
        pattern="^rhk_[A-Za-z0-9_-]{43}$",
        examples=["rhk_" + "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"],
    ),
    "PageToken": string("The `next_page_token` of the page before.", examples=[""]),
    "NextPageToken": string("For the next page. Empty means that this was the last.", examples=[""]),
}

EVENT_TYPES = ("job.run.started", "job.run.completed", "job.run.errored")
OPERATIONAL_EVENT_TYPES = ("subscription.deactivated", "execution.rejected")
