"""An overview from nouns to protobuf."""

from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from delivery_svc import convert
from delivery_svc.overview import Loss, Overview, Pod, Slice, Trouble
from runhook.delivery.v1 import overview_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import DeliveryState


def overview(taken: Overview) -> pb.Overview:
    """The overview as callers see it."""
    return pb.Overview(
        take_time=convert.timestamp(taken.taken_at),
        since_time=convert.timestamp(taken.since),
        whole_hour=taken.whole,
        total=_slice(taken.total),
        slice_duration=_duration(taken.width),
        slices=[_slice(one) for one in taken.slices],
        due_count=taken.due,
        oldest_due_time=_timestamp(taken.oldest_due_at),
        subscription_count=taken.subscriptions,
        trouble_count=taken.troubled,
        troubles=[_trouble(one) for one in taken.troubles],
        losses=[_loss(one) for one in taken.losses],
        pods=[_pod(one) for one in taken.pods],
    )


def _slice(one: Slice) -> pb.OverviewSlice:
    return pb.OverviewSlice(
        start_time=convert.timestamp(one.start),
        succeeded=one.succeeded,
        failed=one.failed,
        cancelled=one.cancelled,
        answer_p50=_duration(one.p50),
        answer_p95=_duration(one.p95),
    )


def _trouble(one: Trouble) -> pb.TroubledSubscription:
    return pb.TroubledSubscription(
        subscription_id=one.subscription_id,
        name=one.name,
        deactivate_reason=one.deactivate_reason,
        held_until_time=_timestamp(one.held_until),
        failing_since_time=_timestamp(one.failing_since),
        last_status_code=one.last_status_code,
    )


def _loss(one: Loss) -> pb.LostDelivery:
    return pb.LostDelivery(
        delivery_id=one.id,
        event_id=one.event_id,
        event_type=one.event_type,
        subscription_id=one.subscription_id,
        subscription_name=one.subscription_name,
        state=DeliveryState.Value(f"DELIVERY_STATE_{one.state}"),
        reason=one.reason,
        explanation=one.explanation,
        attempt_count=one.attempts,
        create_time=convert.timestamp(one.published_at),
        finish_time=convert.timestamp(one.finished_at),
        test=one.test,
    )


def _pod(one: Pod) -> pb.DeliveryPod:
    return pb.DeliveryPod(
        name=one.name,
        start_time=convert.timestamp(one.started_at),
        heartbeat_time=convert.timestamp(one.heartbeat_at),
    )


def _timestamp(moment: datetime | None) -> Timestamp | None:
    return None if moment is None else convert.timestamp(moment)


def _duration(length: timedelta | None) -> Duration | None:
    if length is None:
        return None
    made = Duration()
    made.FromTimedelta(length)
    return made
