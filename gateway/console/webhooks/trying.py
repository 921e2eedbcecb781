"""A test of a webhook: one signed delivery now, and what its endpoint made of it."""

from starlette.responses import Response

from gateway.console.act import again
from gateway.console.page import Page
from gateway.console.status_code import in_words
from gateway.console.visit import ConsoleVisit
from gateway.console.webhooks.asking import ID, webhook
from gateway.console.webhooks.detail import show
from gateway.http_errors import HttpError
from runhook.delivery.v1.delivery_service_pb2 import SendTestRequest


async def send(visit: ConsoleVisit) -> Response:
    """POST /console/webhooks/{webhook_id}/test: an endpoint that fails is an answer, not an error."""
    found = await webhook(visit)
    request = SendTestRequest(account_id=visit.account_id, subscription_id=visit.text(ID))
    seconds = visit.settings.gateway_test_seconds
    try:
        answer = await visit.ask(visit.services.deliveries.SendTest, request, seconds=seconds)
    except HttpError as error:
        return await again(visit, error, show)
    return visit.page(
        "webhooks/tested.html", webhook=found, answer=answer, status_in_words=in_words(answer.status_code)
    )


PAGES = (Page("POST", "/console/webhooks/{webhook_id}/test", send),)
