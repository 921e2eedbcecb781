"""One delivery: what it came to, each attempt with request and answer, and once more."""

from dataclasses import replace

from starlette.responses import Response

from gateway.console.act import act
from gateway.console.deliveries import snippets
from gateway.console.deliveries.curl import commands
from gateway.console.deliveries.listing import webhook_of
from gateway.console.deliveries.view import delivery_view
from gateway.console.page import Page
from gateway.console.refusal import NO_REFUSAL, Refusal
from gateway.console.visit import ConsoleVisit
from gateway.http_errors import not_found
from runhook.delivery.v1 import delivery_service_pb2 as pb

ID = "delivery_id"


async def show(visit: ConsoleVisit) -> Response:
    """GET /console/deliveries/{delivery_id}"""
    return await _shown(visit)


async def redeliver(visit: ConsoleVisit) -> Response:
    """POST /console/deliveries/{delivery_id}/redeliver"""
    request = pb.RedeliverRequest(account_id=visit.account_id, delivery_id=_number(visit))
    path = f"/console/deliveries/{request.delivery_id}"
    rpc = visit.services.deliveries.Redeliver
    return await act(visit, rpc, request, show=_shown, path=path, done="redelivered")


async def _shown(visit: ConsoleVisit, *, status: int = 200, refusal: Refusal = NO_REFUSAL) -> Response:
    request = pb.GetDeliveryRequest(account_id=visit.account_id, delivery_id=_number(visit))
    answer = await visit.ask(visit.services.deliveries.GetDelivery, request)
    view = delivery_view(answer.delivery, answer.attempts, visit.now)
    if visit.is_fragment:
        return visit.page("deliveries/_attempts.html", delivery=view, fragment=True)
    webhook = await webhook_of(visit, view.subscription_id)
    if webhook is None:
        view = replace(view, can_redeliver=False)
    curl = ""
    if webhook is not None and answer.delivery.body and answer.attempts:
        curl = commands(webhook.client_url, answer.attempts[-1].request_headers, answer.delivery.body)
    return visit.page(
        "deliveries/detail.html",
        status=status,
        refusal=refusal,
        delivery=view,
        fragment=False,
        webhook=webhook,
        curl=curl,
        python=snippets.PYTHON,
        node=snippets.NODE,
    )


def _number(visit: ConsoleVisit) -> int:
    number = visit.number(ID)
    if not number:  # which would mean another way to name one
        raise not_found()
    return number


PAGES = (
    Page("GET", "/console/deliveries/{delivery_id}", show),
    Page("POST", "/console/deliveries/{delivery_id}/redeliver", redeliver),
)
