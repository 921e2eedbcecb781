"""A test of a webhook: one signed delivery now, and what its endpoint made of it."""

from http import HTTPStatus

from starlette.responses import Response

from gateway.console.page import Page
from gateway.console.visit import ConsoleVisit
from gateway.console.webhooks.asking import ID, webhook
from runhook.delivery.v1.delivery_service_pb2 import SendTestRequest


async def send(visit: ConsoleVisit) -> Response:
    """POST /console/webhooks/{webhook_id}/test: an endpoint that fails is an answer, not an error."""
    found = await webhook(visit)
    request = SendTestRequest(account_id=visit.account_id, subscription_id=visit.text(ID))
    seconds = visit.settings.gateway_test_seconds
    answer = await visit.ask(visit.services.deliveries.SendTest, request, seconds=seconds)
    return visit.page(
        "webhooks/tested.html", webhook=found, answer=answer, status_in_words=in_words(answer.status_code)
    )


def in_words(status_code: int) -> str:
    """
    >>> in_words(204), in_words(299), in_words(0)
    ('204 No Content', '299', 'no answer')
    """
    if not status_code:
        return "no answer"
    try:
        return f"{status_code} {HTTPStatus(status_code).phrase}"
    except ValueError:
        return str(status_code)


PAGES = (Page("POST", "/console/webhooks/{webhook_id}/test", send),)
