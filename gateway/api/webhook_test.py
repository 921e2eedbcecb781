"""/api/v3 test of a webhook: one signed delivery now, and what the endpoint made of it.

Invariant: an endpoint that fails is an answer of 200. `verification_status_code` "0" and a `verification_error` say that
it did not answer; whatever it did answer is no error.
"""

from starlette.responses import Response

from gateway import envelope
from gateway.http_errors import bad_request
from gateway.visit import Visit
from runhook.delivery.v1 import delivery_service_pb2 as pb

SILENT = "The endpoint did not answer."


async def run(visit: Visit) -> Response:
    """GET .../webhooks/subscription/{webhook_id}/test: a GET with an effect, as the contract has it."""
    await _reach(visit)
    request = pb.SendTestRequest(account_id=visit.account_id, subscription_id=visit.text("webhook_id"))
    seconds = visit.settings.gateway_test_seconds
    answer = await visit.ask(visit.services.deliveries.SendTest, request, seconds=seconds)
    error = None if answer.status_code else answer.error_message or SILENT
    data = {"verification_error": error, "verification_status_code": str(answer.status_code)}
    return envelope.success(200, data)


async def _reach(visit: Visit) -> None:
    """HttpError within the usual time when delivery_svc is away: only the endpoint may take as long as a test may."""
    hopeless = pb.ListDeliveriesRequest(account_id=visit.account_id, page_size=-1)
    refused = await visit.refusal(bad_request(), visit.services.deliveries.ListDeliveries, hopeless)
    if refused.status != 400:
        raise refused
