"""/api/v3 webhooks: subscriptions exactly as programs written for this API know them.

Numbers go out as strings, times as microseconds in decimal, absent keys stay absent; text goes through to the letter.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from starlette.responses import Response

from chassis.errors import BadField
from gateway import envelope
from gateway.http_errors import HttpError, bad_request
from gateway.numbers import Id
from gateway.shapes import Shape, Some
from gateway.times import microseconds
from gateway.visit import Visit
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_pb2 import Subscription

DEFAULT_LIMIT = 10
LARGEST_LIMIT = 100


def _as_list(value: Any) -> Any:
    if value is None:
        return []
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


class WebhookBody(Shape):
    """What a client sends to make or replace a webhook. `job_ids` may be null or one bare number too."""

    name: str
    description: str | None = None
    job_ids: Annotated[Some[Id], BeforeValidator(_as_list)] = Field(default_factory=list)
    event_types: Some[str]
    client_url: str
    active: bool


async def create(visit: Visit) -> Response:
    """POST .../webhooks/subscriptions: 201 with the one look at hmac_secret."""
    rpc = visit.services.subscriptions.CreateSubscription
    hopeless = pb.CreateSubscriptionRequest(subscription=Subscription(account_id=visit.account_id))
    body = await visit.read(WebhookBody, rpc, hopeless)
    request = pb.CreateSubscriptionRequest(subscription=_subscription(body, visit.account_id))
    answer = await visit.ask(rpc, request, _name)
    return envelope.success(201, shown(answer.subscription, answer.signing_secret))


async def read(visit: Visit) -> Response:
    """GET .../webhooks/subscription/{webhook_id}"""
    request = pb.GetSubscriptionRequest(account_id=visit.account_id, subscription_id=visit.text("webhook_id"))
    answer = await visit.ask(visit.services.subscriptions.GetSubscription, request)
    return envelope.success(200, shown(answer.subscription))


async def list_(visit: Visit) -> Response:
    """GET .../webhooks/subscriptions?limit=&offset="""
    rpc = visit.services.subscriptions.ListSubscriptions
    try:
        limit, offset = _page(visit)
    except HttpError as error:
        hopeless = pb.ListSubscriptionsRequest(account_id=visit.account_id, page_size=-1)
        raise await visit.refusal(error, rpc, hopeless) from None
    request = pb.ListSubscriptionsRequest(account_id=visit.account_id, page_size=limit, skip=offset)
    answer = await visit.ask(rpc, request)
    data = [shown(one) for one in answer.subscriptions]
    pagination = {"total_count": answer.total_size, "count": len(data)}
    filters = {"offset": offset, "limit": limit}
    return envelope.success(200, data, extra={"pagination": pagination, "filters": filters})


async def replace(visit: Visit) -> Response:
    """PUT .../webhooks/subscription/{webhook_id}: what is not sent is not kept."""
    rpc = visit.services.subscriptions.UpdateSubscription
    webhook_id = visit.text("webhook_id")
    named = Subscription(account_id=visit.account_id, subscription_id=webhook_id)
    body = await visit.read(WebhookBody, rpc, pb.UpdateSubscriptionRequest(subscription=named))
    wanted = _subscription(body, visit.account_id, webhook_id)
    answer = await visit.ask(rpc, pb.UpdateSubscriptionRequest(subscription=wanted), _name)
    return envelope.success(200, shown(answer.subscription))


async def delete(visit: Visit) -> Response:
    """DELETE .../webhooks/subscription/{webhook_id}: answers with a body, since clients read one."""
    webhook_id = visit.text("webhook_id")
    request = pb.DeleteSubscriptionRequest(account_id=visit.account_id, subscription_id=webhook_id)
    await visit.ask(visit.services.subscriptions.DeleteSubscription, request)
    return envelope.success(200, {"id": webhook_id}, is_success=True)


def shown(subscription: Subscription, secret: str = "") -> dict[str, object]:
    """The webhook as clients see it; `hmac_secret` is there on creation alone."""
    data: dict[str, object] = {
        "id": subscription.subscription_id,
        "account_identifier": subscription.account_identifier,
        "name": subscription.name,
        "description": subscription.description,
        "job_ids": [str(job_id) for job_id in subscription.job_ids],
        "event_types": list(subscription.event_types),
        "client_url": subscription.client_url,
    }
    if secret:
        data["hmac_secret"] = secret
    data |= {
        "active": subscription.active,
        "created_at": microseconds(subscription.create_time),
        "updated_at": microseconds(subscription.update_time),
        "account_id": str(subscription.account_id),
        "http_status_code": str(subscription.http_status_code),
    }
    if subscription.HasField("dispatch_time"):
        data["dispatched_at"] = microseconds(subscription.dispatch_time)
    if subscription.deactivate_reason:
        data["deactivate_reason"] = subscription.deactivate_reason
    return data


def _subscription(body: WebhookBody, account_id: int, webhook_id: str = "") -> Subscription:
    return Subscription(
        subscription_id=webhook_id,
        account_id=account_id,
        name=body.name,
        description=body.description or "",
        job_ids=body.job_ids,
        event_types=body.event_types,
        client_url=body.client_url,
        active=body.active,
    )


def _page(visit: Visit) -> tuple[int, int]:
    limit = visit.query_number("limit")
    if limit is not None and limit > LARGEST_LIMIT:
        raise HttpError(400, f"Limit must not exceed {LARGEST_LIMIT}")
    if limit == 0:
        raise bad_request(BadField("limit", f"must be a whole number from 1 to {LARGEST_LIMIT}"))
    return limit or DEFAULT_LIMIT, visit.query_number("offset") or 0


def _name(field: str) -> str:
    return field.removeprefix("subscription.")
