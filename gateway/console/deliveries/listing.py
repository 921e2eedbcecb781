"""A webhook's deliveries, newest first, by filters that live in the URL."""

from dataclasses import replace
from urllib.parse import urlencode

from starlette.responses import Response

from gateway.console.deliveries.search import EVENT_TYPES, STATES, Search, asked, moment
from gateway.console.deliveries.view import Row, row
from gateway.console.page import Page
from gateway.console.refusal import NO_REFUSAL, Refusal
from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError
from runhook.delivery.v1.delivery_service_pb2 import ListDeliveriesRequest
from runhook.subscription.v1.subscription_pb2 import Subscription
from runhook.subscription.v1.subscription_service_pb2 import GetSubscriptionRequest, ListSubscriptionsRequest

ON_A_PAGE = 30
#: As many webhooks are offered to choose from; one beyond them is reached from its own page.
OFFERED = 100
_TEMPLATE = "deliveries/list.html"


async def show(visit: ConsoleVisit) -> Response:
    """GET /console/deliveries?subscription_id=&state=&event_type=&job_id=&after=&before="""
    search = asked(visit.query)
    webhooks = await _webhooks(visit, search.subscription_id)
    if not search.subscription_id and len(webhooks) == 1:
        search = replace(search, subscription_id=webhooks[0][0])
    rows: list[Row] = []
    token, refusal, status = "", search.refusal, 400
    if search.subscription_id and not refusal.fields:
        try:
            rows, token = await _page(visit, search)
        except HttpError as error:
            refusal, status = _of_a_filter(error), error.status
    return visit.page(
        _TEMPLATE,
        status=status if refusal is not NO_REFUSAL else 200,
        refusal=refusal,
        search=search,
        states=STATES,
        event_types=EVENT_TYPES,
        webhooks=webhooks,
        rows=rows,
        pager=visit.pager(token),
        recover=f"/console/recoveries/new?{urlencode(search.fields())}",
    )


async def _page(visit: ConsoleVisit, search: Search) -> tuple[list[Row], str]:
    request = ListDeliveriesRequest(
        account_id=visit.account_id,
        subscription_id=search.subscription_id,
        state=search.delivery_state,
        event_type=search.event_type,
        job_id=search.job,
        published_after=moment(search.after),
        published_before=moment(search.before),
        page_size=ON_A_PAGE,
        page_token=visit.page_token,
    )
    answer = await visit.ask(visit.services.deliveries.ListDeliveries, request)
    return [row(one, visit.now) for one in answer.deliveries], answer.next_page_token


def _of_a_filter(error: HttpError) -> Refusal:
    if error.status == 404:
        return Refusal(message="There is no such webhook in this account, or no longer: choose another.")
    if error.status != 400:
        raise error
    return Refusal(message=error.message or "This page of the list is gone: begin again with the newest.")


async def _webhooks(visit: ConsoleVisit, chosen: str) -> list[tuple[str, str]]:
    """Ids and names to choose from; the chosen one is among them even when it was deleted."""
    request = ListSubscriptionsRequest(account_id=visit.account_id, page_size=OFFERED)
    answer = await visit.ask(visit.services.subscriptions.ListSubscriptions, request)
    found = [(one.subscription_id, one.name) for one in answer.subscriptions]
    if chosen and chosen not in dict(found):
        one = await webhook_of(visit, chosen)
        found.append((chosen, one.name if one else f"{chosen}, which is gone"))
    return found


async def webhook_of(visit: ConsoleVisit, subscription_id: str) -> Subscription | None:
    """The webhook; None when it was deleted."""
    request = GetSubscriptionRequest(account_id=visit.account_id, subscription_id=subscription_id)
    try:
        return (await visit.ask(visit.services.subscriptions.GetSubscription, request)).subscription
    except HttpError as error:
        if error.status != 404:
            raise
        return None


PAGES = (Page("GET", "/console/deliveries", show),)
