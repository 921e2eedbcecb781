"""Python's times as protobuf has them. Invariant: a time without a zone is refused, since nobody knows what it means."""

from datetime import datetime, timedelta
from typing import overload

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp


def timestamp_of(moment: datetime | None) -> Timestamp | None:
    """The same moment, or None. ValueError for a naive one."""
    if moment is None:
        return None
    if moment.utcoffset() is None:
        raise ValueError(f"{moment!r} has no time zone: datetime.now(UTC) has one")
    made = Timestamp()
    made.FromDatetime(moment)
    return made


@overload
def duration_of(length: timedelta) -> Duration: ...
@overload
def duration_of(length: timedelta | None) -> Duration | None: ...
def duration_of(length: timedelta | None) -> Duration | None:
    """The same length, or None."""
    if length is None:
        return None
    made = Duration()
    made.FromTimedelta(length)
    return made
