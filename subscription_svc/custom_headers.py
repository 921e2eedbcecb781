"""The headers that an account adds to its deliveries: which are allowed, and the text in which they are sealed.

Invariant: what passes cannot end a header line, cannot take the place of a header that a delivery sets itself, and no complaint
repeats a value: it may be a key.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from chassis.errors import BadField

KIND = "custom_headers"
MOST = 20
MOST_BYTES = 8 * 1024
LONGEST_NAME = 100
LONGEST_VALUE = 4096
RESERVED = frozenset(
    {
        "accept",
        "authorization",
        "connection",
        "date",
        "expect",
        "host",
        "keep-alive",
        "te",
        "traceparent",
        "tracestate",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
RESERVED_PREFIXES = ("content-", "proxy-", "webhook-")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_VALUE = re.compile(r"(?:[!-~](?:[\t -~]*[!-~])?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomHeader:
    """One header. `value` is a secret, so it is left out of the object's text."""

    name: str
    value: str

    def __repr__(self) -> str:
        return f"CustomHeader(name={self.name!r})"


def broken_rules(headers: list[CustomHeader]) -> list[BadField]:
    """Every broken rule at once; empty when the headers are sound."""
    return [BadField(field, complaint) for field, complaint in _complaints(headers)]


def row_name(subscription_id: int) -> str:
    """What the sealed headers are bound to; delivery_svc opens them under the same name."""
    return f"{KIND}:{subscription_id}"


def dump(headers: list[CustomHeader]) -> bytes:
    """The text that is sealed: a JSON list of [name, value] pairs, in order."""
    return json.dumps([[header.name, header.value] for header in headers], separators=(",", ":")).encode()


def names(dumped: bytes) -> list[str]:
    """The names in such a text, in order."""
    return [name for name, _ in json.loads(dumped)]


def _complaints(headers: list[CustomHeader]) -> Iterator[tuple[str, str]]:
    if len(headers) > MOST:
        yield "custom_headers", f"must have at most {MOST} entries"
        return
    if sum(len(header.name) + len(header.value) for header in headers) > MOST_BYTES:
        yield "custom_headers", f"must have at most {MOST_BYTES:,} bytes together, names and values"
    seen: Counter[str] = Counter()
    for index, header in enumerate(headers):
        seen[header.name.lower()] += 1
        complaint = _complaint_of_name(header.name)
        if complaint is None and seen[header.name.lower()] > 1:
            complaint = "must not be there twice: names are equal whatever their case"
        if complaint is not None:
            yield f"custom_headers[{index}].name", complaint
        if (complaint := _complaint_of_value(header.value)) is not None:
            yield f"custom_headers[{index}].value", complaint


def _complaint_of_name(name: str) -> str | None:
    if not name:
        return f"is required: an HTTP field name of 1 to {LONGEST_NAME} characters"
    if len(name) > LONGEST_NAME:
        return f"must have at most {LONGEST_NAME} characters"
    if not _TOKEN.fullmatch(name):
        return "must be an HTTP field name: ASCII letters, digits and any of !#$%&'*+-.^_`|~"
    if name.lower() in RESERVED or name.lower().startswith(RESERVED_PREFIXES):
        return "is a header that every delivery sets itself, or that belongs to the connection: choose another name"
    return None


def _complaint_of_value(value: str) -> str | None:
    if len(value) > LONGEST_VALUE:
        return f"must have at most {LONGEST_VALUE:,} characters"
    if not _VALUE.fullmatch(value):
        return "must be visible ASCII, with blanks and tabs only between other characters"
    return None
