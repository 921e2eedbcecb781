"""/api/v1 recoveries: all that failed of a subscription since a time, delivered again in the background."""

from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.numbers import Id
from gateway.shapes import Shape
from gateway.times import Time
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import Recovery, RecoveryState


class RecoverBody(Shape):
    """What was published within a span that ends now unless it says otherwise; of one event type or job, unless of all."""

    published_after: Time
    published_before: Time | None = None
    event_type: str | None = None
    job_id: Id | None = None


async def start(visit: Visit) -> Response:
    """POST .../subscriptions/{subscription_id}/recover: 202 with the recovery that has begun."""
    rpc = visit.services.deliveries.StartRecovery
    named = Recovery(account_id=visit.account_id, subscription_id=visit.text("subscription_id"))
    body = await visit.read(RecoverBody, rpc, pb.StartRecoveryRequest(recovery=named))
    asked = Recovery(
        account_id=named.account_id,
        subscription_id=named.subscription_id,
        published_after=body.published_after,
        published_before=body.published_before,
        event_type=body.event_type or "",
        job_id=body.job_id or 0,
    )
    answer = await visit.ask(rpc, pb.StartRecoveryRequest(recovery=asked), _name)
    return JsonAnswer(shown(answer.recovery), 202)


async def list_(visit: Visit) -> Response:
    """GET .../subscriptions/{subscription_id}/recoveries: newest first, at most 100."""
    request = pb.ListRecoveriesRequest(account_id=visit.account_id, subscription_id=visit.text("subscription_id"))
    answer = await visit.ask(visit.services.deliveries.ListRecoveries, request)
    return JsonAnswer({"recoveries": [shown(one) for one in answer.recoveries]})


async def read(visit: Visit) -> Response:
    """GET .../recoveries/{recovery_id}."""
    request = pb.GetRecoveryRequest(account_id=visit.account_id, recovery_id=visit.number("recovery_id"))
    answer = await visit.ask(visit.services.deliveries.GetRecovery, request)
    return JsonAnswer(shown(answer.recovery))


async def cancel(visit: Visit) -> Response:
    """DELETE .../recoveries/{recovery_id}: 200 with the recovery, cancelled unless it had ended before."""
    request = pb.CancelRecoveryRequest(account_id=visit.account_id, recovery_id=visit.number("recovery_id"))
    answer = await visit.ask(visit.services.deliveries.CancelRecovery, request)
    return JsonAnswer(shown(answer.recovery))


def shown(recovery: Recovery) -> dict[str, object]:
    """The recovery as callers see it."""
    return {
        "recovery_id": str(recovery.recovery_id),
        "subscription_id": recovery.subscription_id,
        "state": RecoveryState.Name(recovery.state).removeprefix("RECOVERY_STATE_"),
        "published_after": shown_time(recovery.published_after),
        "published_before": shown_time(recovery.published_before),
        "event_type": recovery.event_type or None,
        "job_id": str(recovery.job_id) if recovery.job_id else None,
        "found": recovery.found,
        "requeued": recovery.requeued,
        "created_at": shown_time(recovery.create_time),
        "finished_at": shown_time(recovery.finish_time),
    }


def _name(field: str) -> str:
    return field.removeprefix("recovery.")
