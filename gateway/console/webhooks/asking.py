"""What several pages of webhooks ask the services for. Invariant: a page of webhooks stands when deliveries are away."""

from collections.abc import Sequence

from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError
from runhook.delivery.v1.delivery_pb2 import Delivery
from runhook.delivery.v1.delivery_service_pb2 import ListDeliveriesRequest
from runhook.subscription.v1.subscription_pb2 import Subscription
from runhook.subscription.v1.subscription_service_pb2 import GetSubscriptionRequest

ID = "webhook_id"


async def webhook(visit: ConsoleVisit) -> Subscription:
    """The one that the path names. HttpError 404."""
    request = GetSubscriptionRequest(account_id=visit.account_id, subscription_id=visit.text(ID))
    return (await visit.ask(visit.services.subscriptions.GetSubscription, request)).subscription


async def recent(visit: ConsoleVisit, subscription_id: str, count: int) -> Sequence[Delivery] | None:
    """The last deliveries of one, the newest first; None when nobody can say."""
    request = ListDeliveriesRequest(account_id=visit.account_id, subscription_id=subscription_id, page_size=count)
    try:
        return (await visit.ask(visit.services.deliveries.ListDeliveries, request)).deliveries
    except HttpError as error:
        if error.status == 401:
            raise
        return None


def page_of(visit: ConsoleVisit) -> str:
    """The path of the webhook's page."""
    return f"/console/webhooks/{visit.text(ID)}"
