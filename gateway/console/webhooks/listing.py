"""All webhooks of the account, each with its health."""

import asyncio
from collections.abc import Sequence

from starlette.responses import Response

from gateway import numbers
from gateway.console.page import Page
from gateway.console.visit import ConsoleVisit
from gateway.console.webhooks.asking import recent
from gateway.console.webhooks.view import webhook_view
from runhook.delivery.v1.delivery_pb2 import Delivery
from runhook.subscription.v1.subscription_pb2 import Subscription
from runhook.subscription.v1.subscription_service_pb2 import ListSubscriptionsRequest

#: Each costs a question to delivery_svc, and a page has a tenth of a second.
ON_A_PAGE = 10
#: How many of each webhook's deliveries its health is read from.
LOOKED_AT = 5


async def show(visit: ConsoleVisit) -> Response:
    """GET /console/webhooks"""
    skip = numbers.decimal(visit.page_token) or 0
    request = ListSubscriptionsRequest(account_id=visit.account_id, page_size=ON_A_PAGE, skip=skip)
    answer = await visit.ask(visit.services.subscriptions.ListSubscriptions, request)
    found = answer.subscriptions
    marks = await asyncio.gather(*(_marks(visit, one) for one in found))
    webhooks = [webhook_view(one, its, visit.now) for one, its in zip(found, marks, strict=True)]
    following = str(skip + len(found)) if skip + len(found) < answer.total_size else ""
    return visit.page("webhooks/list.html", webhooks=webhooks, total=answer.total_size, pager=visit.pager(following))


async def _marks(visit: ConsoleVisit, webhook: Subscription) -> Sequence[Delivery] | None:
    """The last deliveries; of one to which nothing was ever sent nobody need ask."""
    return await recent(visit, webhook.subscription_id, LOOKED_AT) if webhook.HasField("dispatch_time") else ()


PAGES = (Page("GET", "/console/webhooks", show),)
