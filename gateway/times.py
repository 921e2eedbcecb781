"""Times on the REST side: RFC 3339 with up to nine fraction digits in, RFC 3339 in UTC out, null for none."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any

from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_FORM = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(text: str) -> Timestamp:
    """The moment, to the nanosecond. ValueError when the text is no RFC 3339 time of the years 1 to 9999."""
    parts = _FORM.fullmatch(text)
    if parts is None:
        raise ValueError("not RFC 3339")
    day, clock, fraction, sign, hours, minutes = parts.groups()
    zone = UTC
    if sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        zone = timezone(offset if sign == "+" else -offset)
    moment = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone)
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    if not -62_135_596_800 <= seconds <= 253_402_300_799:
        raise ValueError("outside of the years 1 to 9999")
    return Timestamp(seconds=seconds, nanos=int((fraction or "").ljust(9, "0")))


def shown(stamp: Timestamp) -> str | None:
    """RFC 3339 in UTC with as many digits as it takes; None for a time that is not set."""
    return stamp.ToJsonString() if stamp.ByteSize() else None


def microseconds(stamp: Timestamp) -> str:
    """Microseconds since the epoch in decimal, the form of /api/v3."""
    return str(stamp.ToMicroseconds())


def _validated(value: Any) -> Timestamp:
    try:
        if isinstance(value, str):
            return parse(value)
    except ValueError:
        pass
    raise PydanticCustomError("time", "must be an RFC 3339 time such as 2026-01-31T19:29:35.789265936Z")


Time = Annotated[Timestamp, PlainValidator(_validated), WithJsonSchema({"type": "string", "format": "date-time"})]
