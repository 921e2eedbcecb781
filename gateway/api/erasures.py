"""/api/v1 erasures: stored bodies of an event, or of all of an account's, taken out for good in the background.

Invariant: an account is never meant by mistake. An empty event id is refused, and so is a key that is not known: elsewhere
it would be ignored, and a misspelt event id erase everything.
"""

from pydantic import ConfigDict
from starlette.responses import Response

from chassis.errors import BadField
from gateway.answers import JsonAnswer
from gateway.http_errors import bad_request
from gateway.shapes import Shape
from gateway.times import Time
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import Erasure, ErasureState


class EraseBody(Shape):
    """One event, or, without it, all that was published before a time, now unless it says otherwise."""

    model_config = ConfigDict(extra="forbid")

    event_id: str | None = None
    published_before: Time | None = None


async def start(visit: Visit) -> Response:
    """POST .../erasures: 202 with the erasure that has begun."""
    rpc = visit.services.deliveries.StartErasure
    hopeless = Erasure(account_id=visit.account_id, event_id="none")
    hopeless.published_before.SetInParent()
    body = await visit.read(EraseBody, rpc, pb.StartErasureRequest(erasure=hopeless))
    if body.event_id == "":
        error = bad_request(BadField("event_id", "must not be empty: without the key all of the account's are meant"))
        raise await visit.refusal(error, rpc, pb.StartErasureRequest(erasure=hopeless))
    asked = Erasure(account_id=visit.account_id, event_id=body.event_id or "", published_before=body.published_before)
    answer = await visit.ask(rpc, pb.StartErasureRequest(erasure=asked), _name)
    return JsonAnswer(shown(answer.erasure), 202)


async def list_(visit: Visit) -> Response:
    """GET .../erasures: newest first, at most 100."""
    request = pb.ListErasuresRequest(account_id=visit.account_id)
    answer = await visit.ask(visit.services.deliveries.ListErasures, request)
    return JsonAnswer({"erasures": [shown(one) for one in answer.erasures]})


async def read(visit: Visit) -> Response:
    """GET .../erasures/{erasure_id}."""
    request = pb.GetErasureRequest(account_id=visit.account_id, erasure_id=visit.number("erasure_id"))
    answer = await visit.ask(visit.services.deliveries.GetErasure, request)
    return JsonAnswer(shown(answer.erasure))


def shown(erasure: Erasure) -> dict[str, object]:
    """The erasure as callers see it."""
    return {
        "erasure_id": str(erasure.erasure_id),
        "event_id": erasure.event_id or None,
        "published_before": shown_time(erasure.published_before),
        "state": ErasureState.Name(erasure.state).removeprefix("ERASURE_STATE_"),
        "erased": erasure.erased,
        "created_at": shown_time(erasure.create_time),
        "finished_at": shown_time(erasure.finish_time),
    }


def _name(field: str) -> str:
    return field.removeprefix("erasure.")
