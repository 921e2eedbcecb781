"""Times and durations as protobuf has them, and as nouns do."""

from datetime import UTC, datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

LAST_SECOND = 253_402_300_799  # of the year 9999


def seconds(message: Duration) -> float:
    """A duration in seconds."""
    return message.seconds + message.nanos / 1e9


def duration(whole_seconds: float) -> Duration:
    """A duration of whole seconds."""
    return Duration(seconds=int(whole_seconds))


def timestamp(moment: datetime | None) -> Timestamp | None:
    """A moment; None stays None."""
    if moment is None:
        return None
    made = Timestamp()
    made.FromDatetime(moment)
    return made


def moment(message: Timestamp) -> datetime | None:
    """The moment, to the microsecond; None for one before 1970 or after 9999, which no schedule names."""
    if not (0 <= message.seconds <= LAST_SECOND and 0 <= message.nanos < 10**9):
        return None
    return message.ToDatetime(UTC)
