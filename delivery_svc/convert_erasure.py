"""Erasures between protobuf and nouns. The rules of what may be asked for are erase.py's, but for unwritable times."""

from datetime import UTC

from chassis.errors import BadField, InvalidInput
from delivery_svc.convert import NOT_WRITABLE, timestamp, writable
from delivery_svc.erasure import Erasure, NewErasure
from runhook.delivery.v1 import delivery_pb2
from runhook.delivery.v1.delivery_pb2 import ErasureState


def new_erasure(asked: delivery_pb2.Erasure) -> NewErasure:
    """What is asked for. InvalidInput for a time that cannot be written."""
    before = None
    if asked.HasField("published_before"):
        if not writable(asked.published_before):
            raise InvalidInput([BadField("erasure.published_before", NOT_WRITABLE)])
        before = asked.published_before.ToDatetime(UTC)
    return NewErasure(account_id=asked.account_id, event_id=asked.event_id or None, published_before=before)


def erasure(found: Erasure) -> delivery_pb2.Erasure:
    """The erasure as callers see it."""
    return delivery_pb2.Erasure(
        erasure_id=found.id,
        account_id=found.account_id,
        event_id=found.event_id or "",
        published_before=timestamp(found.published_before),
        state=ErasureState.Value(f"ERASURE_STATE_{found.state}"),
        erased=found.erased,
        create_time=timestamp(found.created_at),
        finish_time=None if found.finished_at is None else timestamp(found.finished_at),
    )
