"""/api/v3 webhooks: subscriptions exactly as programs written for this API know them.

Numbers go out as strings, times as microseconds in decimal, absent keys stay absent; text goes through to the letter.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field
from starlette.responses import Response

from gateway import envelope, paging, shapes
from gateway.http_errors import HttpError
from gateway.numbers import Id
from gateway.services import Method
from gateway.shapes import Shape, Some
from gateway.times import microseconds
from gateway.visit import Visit
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_pb2 import Subscription

Request = TypeVar("Request")
Answer = TypeVar("Answer")


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


#: What the service refuses, field by field: it stands for what came in a wrong shape.
_REFUSED: dict[str, Any] = {"name": "", "description": "\x00", "job_ids": [0], "event_types": [], "client_url": ""}


async def create(visit: Visit) -> Response:
    """POST .../webhooks/subscriptions: 201 with the one look at hmac_secret."""
    rpc = visit.services.subscriptions.CreateSubscription
    wish = await _wish(visit, rpc, lambda wish: pb.CreateSubscriptionRequest(subscription=wish))
    answer = await visit.ask(rpc, pb.CreateSubscriptionRequest(subscription=wish), _name)
    return envelope.success(201, shown(answer.subscription, answer.signing_secret))


async def read(visit: Visit) -> Response:
    """GET .../webhooks/subscription/{webhook_id}"""
    request = pb.GetSubscriptionRequest(account_id=visit.account_id, subscription_id=visit.text("webhook_id"))
    answer = await visit.ask(visit.services.subscriptions.GetSubscription, request)
    return envelope.success(200, shown(answer.subscription))


async def list_(visit: Visit) -> Response:
    """GET .../webhooks/subscriptions?limit=&offset="""
    rpc = visit.services.subscriptions.ListSubscriptions
    hopeless = pb.ListSubscriptionsRequest(account_id=visit.account_id, page_size=-1)
    page = await paging.offset_query(visit, rpc, hopeless)
    request = pb.ListSubscriptionsRequest(account_id=visit.account_id, page_size=page.limit, skip=page.offset)
    answer = await visit.ask(rpc, request)
    data = [shown(one) for one in answer.subscriptions]
    return envelope.success(200, data, extra=paging.extra(page, count=len(data), total_count=answer.total_size))


async def replace(visit: Visit) -> Response:
    """PUT .../webhooks/subscription/{webhook_id}: what is not sent is not kept."""
    rpc = visit.services.subscriptions.UpdateSubscription
    webhook_id = visit.text("webhook_id")
    wish = await _wish(visit, rpc, lambda wish: pb.UpdateSubscriptionRequest(subscription=wish), webhook_id)
    answer = await visit.ask(rpc, pb.UpdateSubscriptionRequest(subscription=wish), _name)
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


async def _wish(
    visit: Visit, rpc: Method[Request, Answer], request: Callable[[Subscription], Request], webhook_id: str = ""
) -> Subscription:
    """What the body wishes for. HttpError names what is wrong in shape and, of all else, what breaks a rule."""
    blank = Subscription(account_id=visit.account_id, subscription_id=webhook_id)
    sent = await visit.sent(rpc, request(blank))
    try:
        return _subscription(shapes.parse(WebhookBody, sent), blank)
    except HttpError as error:
        wrong = {shapes.key(bad.field) for bad in error.fields}
        names = _name_beside_active if "active" in wrong else _name
        raise await visit.refusal(error, rpc, request(_subscription(_rest(sent, wrong), blank)), names) from None


def _rest(sent: Mapping[str, Any], wrong: set[str]) -> WebhookBody:
    """The body with its wrong fields replaced by such as are refused; no `active` is, so a name stands in for it."""
    replaced = {key: value for key, value in _REFUSED.items() if key in wrong}
    if "active" in wrong:
        replaced |= {"active": False, "name": ""}
    return shapes.parse(WebhookBody, {**sent, **replaced})


def _subscription(body: WebhookBody, named: Subscription) -> Subscription:
    return Subscription(
        subscription_id=named.subscription_id,
        account_id=named.account_id,
        name=body.name,
        description=body.description or "",
        job_ids=body.job_ids,
        event_types=body.event_types,
        client_url=body.client_url,
        active=body.active,
    )


def _name(field: str) -> str:
    return field.removeprefix("subscription.")


def _name_beside_active(field: str) -> str:
    return "active" if field == "subscription.name" else _name(field)
