"""Lengths of time as people read them."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp


def length(seconds: float) -> str:
    """In its two largest units.

    >>> length(0.00042), length(0.25), length(12.34), length(125), length(3600), length(90_061)
    ('0.4 ms', '250 ms', '12.3 s', '2 min 5 s', '1 h', '1 d 1 h')
    """
    if seconds < 0.01:
        return f"{seconds * 1000:.1f}".removesuffix(".0") + " ms"
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = int(seconds)
    for size, unit, smaller, smaller_unit in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {smaller_unit}" if rest else "")
    return ""


def between(start: Timestamp, end: Timestamp, now: datetime) -> str:
    """From the one to the other, or till now while there is no other; empty before the first."""
    if not start.ByteSize():
        return ""
    until = end.ToDatetime(UTC) if end.ByteSize() else now
    return length(max(0.0, (until - start.ToDatetime(UTC)).total_seconds()))
