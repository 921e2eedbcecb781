"""/api/v1 headers that go out with every delivery of a subscription. Invariant: their values come in and never go out."""

import re
from collections.abc import Callable, Sequence

from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.shapes import Shape, Texts
from gateway.visit import Visit
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_pb2 import CustomHeader

_OF_HEADER = re.compile(r"custom_headers\[(\d+)\]")


class HeadersBody(Shape):
    """All custom headers by their names; an empty object takes them away."""

    headers: Texts


async def list_(visit: Visit) -> Response:
    """GET .../headers: the names alone."""
    request = pb.ListCustomHeadersRequest(account_id=visit.account_id, subscription_id=visit.text("subscription_id"))
    answer = await visit.ask(visit.services.subscriptions.ListCustomHeaders, request)
    return JsonAnswer({"names": list(answer.names)})


async def replace(visit: Visit) -> Response:
    """PUT .../headers: what is not sent is not kept."""
    rpc = visit.services.subscriptions.SetCustomHeaders
    subscription_id = visit.text("subscription_id")
    hopeless = pb.SetCustomHeadersRequest(
        account_id=visit.account_id, subscription_id=subscription_id, custom_headers=[CustomHeader()]
    )
    body = await visit.read(HeadersBody, rpc, hopeless)
    request = pb.SetCustomHeadersRequest(
        account_id=visit.account_id,
        subscription_id=subscription_id,
        custom_headers=[CustomHeader(name=name, value=value) for name, value in body.headers.items()],
    )
    answer = await visit.ask(rpc, request, _names(list(body.headers)))
    return JsonAnswer({"names": list(answer.names)})


def _names(sent: Sequence[str]) -> Callable[[str], str]:
    """custom_headers[0].value > headers.X-Api-Key, whichever of the two is wrong."""

    def name(field: str) -> str:
        found = _OF_HEADER.match(field)
        return f"headers.{sent[int(found[1])][:100]}" if found else field.replace("custom_headers", "headers")

    return name
