"""/api/v1 deliveries: what was sent to a subscription, how each attempt went, and one sent again."""

from collections.abc import Iterable
from typing import Literal

from google.protobuf.duration_pb2 import Duration
from starlette.responses import Response

from gateway.answers import JsonAnswer
from gateway.numbers import Count
from gateway.paging import PageQuery
from gateway.times import Time
from gateway.times import shown as shown_time
from gateway.visit import Visit
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import Attempt, Delivery, DeliveryState, Header

State = Literal["PENDING", "DELIVERING", "SUCCEEDED", "FAILED", "CANCELLED"]


class DeliveriesQuery(PageQuery):
    """A page of a subscription's deliveries: in one state, of one event type or job, or published within a span, unless all
    are wanted."""

    subscription_id: str
    state: State | None = None
    event_type: str = ""
    job_id: Count = 0
    published_after: Time | None = None
    published_before: Time | None = None


async def list_(visit: Visit) -> Response:
    """GET .../deliveries?subscription_id=, with the filters and the page of DeliveriesQuery."""
    rpc = visit.services.deliveries.ListDeliveries
    hopeless = pb.ListDeliveriesRequest(account_id=visit.account_id, page_size=-1)
    query = await visit.query(DeliveriesQuery, rpc, hopeless)
    request = pb.ListDeliveriesRequest(
        account_id=visit.account_id,
        subscription_id=query.subscription_id,
        page_size=query.page_size,
        page_token=query.page_token,
        state=DeliveryState.Value(f"DELIVERY_STATE_{query.state or 'UNSPECIFIED'}"),
        published_after=query.published_after,
        published_before=query.published_before,
        event_type=query.event_type,
        job_id=query.job_id,
    )
    answer = await visit.ask(rpc, request)
    deliveries = [shown(one) for one in answer.deliveries]
    return JsonAnswer({"deliveries": deliveries, "next_page_token": answer.next_page_token})


async def read(visit: Visit) -> Response:
    """GET .../deliveries/{delivery_id}: with its body and its attempts."""
    number = visit.number("delivery_id") or -1  # 0 would mean another way to name one
    request = pb.GetDeliveryRequest(account_id=visit.account_id, delivery_id=number)
    answer = await visit.ask(visit.services.deliveries.GetDelivery, request)
    body = answer.delivery.body.decode("utf-8", "replace")
    attempts = [shown_attempt(one) for one in answer.attempts]
    return JsonAnswer(shown(answer.delivery) | {"body": body, "attempts": attempts})


async def redeliver(visit: Visit) -> Response:
    """POST .../deliveries/{delivery_id}/redeliver: 202 with the delivery, pending again."""
    request = pb.RedeliverRequest(account_id=visit.account_id, delivery_id=visit.number("delivery_id"))
    answer = await visit.ask(visit.services.deliveries.Redeliver, request)
    return JsonAnswer(shown(answer.delivery), 202)


def shown(delivery: Delivery) -> dict[str, object]:
    """The delivery as callers see it in a list."""
    return {
        "delivery_id": str(delivery.delivery_id),
        "event_id": delivery.event_id,
        "subscription_id": delivery.subscription_id,
        "event_type": delivery.event_type,
        "job_id": str(delivery.job_id),
        "state": DeliveryState.Name(delivery.state).removeprefix("DELIVERY_STATE_"),
        "reason": delivery.reason,
        "attempt_count": delivery.attempt_count,
        "last_status_code": delivery.last_status_code,
        "test": delivery.test,
        "created_at": shown_time(delivery.create_time),
        "next_attempt_at": shown_time(delivery.next_attempt_time),
        "finished_at": shown_time(delivery.finish_time),
        "erased_at": shown_time(delivery.erase_time),
    }


def shown_attempt(attempt: Attempt) -> dict[str, object]:
    """The attempt as callers see it; bytes that are no UTF-8 are shown as the replacement character."""
    return {
        "attempt_id": attempt.attempt_id,
        "number": attempt.number,
        "sent_at": shown_time(attempt.send_time),
        "status_code": attempt.status_code,
        "error": attempt.error,
        "error_message": attempt.error_message,
        "phase": attempt.phase,
        "manual": attempt.manual,
        "duration_seconds": _seconds(attempt.duration),
        "resolve_seconds": _seconds(attempt.resolve_duration) if attempt.HasField("resolve_duration") else None,
        "connect_seconds": _seconds(attempt.connect_duration) if attempt.HasField("connect_duration") else None,
        "tls_seconds": _seconds(attempt.tls_duration) if attempt.HasField("tls_duration") else None,
        "request_headers": _headers(attempt.request_headers),
        "response_headers": _headers(attempt.response_headers),
        "response_body": attempt.response_body.decode("utf-8", "replace"),
    }


def _headers(headers: Iterable[Header]) -> list[dict[str, str]]:
    return [{"name": one.name, "value": one.value} for one in headers]


def _seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1e9
