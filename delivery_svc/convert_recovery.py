"""Recoveries between protobuf and nouns. The rules of what may be asked for are recover.py's, but for unwritable times."""

from datetime import UTC, datetime
from typing import Literal

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import BadField, InvalidInput
from delivery_svc.convert import NOT_WRITABLE, timestamp, writable
from delivery_svc.recovery import NewRecovery, Recovery
from runhook.delivery.v1 import delivery_pb2
from runhook.delivery.v1.delivery_pb2 import RecoveryState


def new_recovery(asked: delivery_pb2.Recovery) -> NewRecovery:
    """What is asked for. InvalidInput for times that cannot be written."""
    return NewRecovery(
        account_id=asked.account_id,
        subscription_id=asked.subscription_id,
        published_after=_moment(asked, "published_after"),
        published_before=_moment(asked, "published_before"),
        event_type=asked.event_type or None,
        job_id=asked.job_id or None,
    )


def recovery(found: Recovery) -> delivery_pb2.Recovery:
    """The recovery as callers see it."""
    return delivery_pb2.Recovery(
        recovery_id=found.id,
        account_id=found.account_id,
        subscription_id=found.subscription_id,
        state=RecoveryState.Value(f"RECOVERY_STATE_{found.state}"),
        published_after=timestamp(found.published_after),
        published_before=timestamp(found.published_before),
        event_type=found.event_type or "",
        job_id=found.job_id or 0,
        found=found.found,
        requeued=found.requeued,
        create_time=timestamp(found.created_at),
        finish_time=None if found.finished_at is None else timestamp(found.finished_at),
    )


def foreseen(wish: NewRecovery, found: int) -> delivery_pb2.Recovery:
    """One that has not begun, and how many it would find."""
    return delivery_pb2.Recovery(account_id=wish.account_id, subscription_id=wish.subscription_id, found=found)


def _moment(asked: delivery_pb2.Recovery, field: Literal["published_after", "published_before"]) -> datetime | None:
    if not asked.HasField(field):
        return None
    time: Timestamp = getattr(asked, field)
    if not writable(time):
        raise InvalidInput([BadField(f"recovery.{field}", NOT_WRITABLE)])
    return time.ToDatetime(UTC)
