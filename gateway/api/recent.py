"""/api/v3 recent deliveries of a webhook: its events, and the receipts of one event, an attempt each.

Every value is a string, as clients of that API decode them: ids, codes ("0" for no answer), times in microseconds, bodies
as text. What there is none of is "".
"""

import json
from collections.abc import Iterable

from starlette.responses import Response

from chassis.errors import BadField
from gateway import envelope, paging
from gateway.http_errors import bad_request
from gateway.times import microseconds
from gateway.visit import Visit
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import Attempt, Delivery, Header

LARGEST_OFFSET = 10_000
TOO_FAR = f"must not exceed {LARGEST_OFFSET:,}: /api/v1/accounts/{{account_id}}/deliveries goes further back"


async def events(visit: Visit) -> Response:
    """GET .../webhooks/subscription/{webhook_id}/events?limit=&offset=: newest first."""
    rpc = visit.services.deliveries.ListDeliveries
    hopeless = pb.ListDeliveriesRequest(account_id=visit.account_id, page_size=-1)
    page = await paging.offset_query(visit, rpc, hopeless)
    if page.offset > LARGEST_OFFSET:
        raise await visit.refusal(bad_request(BadField("offset", TOO_FAR)), rpc, hopeless)
    request = pb.ListDeliveriesRequest(
        account_id=visit.account_id,
        subscription_id=visit.text("webhook_id"),
        page_size=page.limit,
        skip=page.offset,
        with_total_size=True,
    )
    answer = await visit.ask(rpc, request)
    data = [shown_event(one, visit.account_id) for one in answer.deliveries]
    return envelope.success(200, data, extra=paging.extra(page, count=len(data), total_count=answer.total_size))


async def receipts(visit: Visit) -> Response:
    """GET .../webhooks/subscription/{webhook_id}/event/{event_id}/receipt: in the order of the attempts."""
    request = pb.GetDeliveryRequest(
        account_id=visit.account_id, subscription_id=visit.text("webhook_id"), event_id=visit.text("event_id")
    )
    answer = await visit.ask(visit.services.deliveries.GetDelivery, request)
    return envelope.success(200, [shown_receipt(answer.delivery, one) for one in answer.attempts])


def shown_event(delivery: Delivery, account_id: int) -> dict[str, str]:
    """A delivery as clients of /api/v3 know it: the event."""
    return {
        "id": delivery.event_id,
        "subscription_id": delivery.subscription_id,
        "account_identifier": delivery.account_identifier,
        "job_id": str(delivery.job_id),
        "trigger_event_type": delivery.event_type,
        "payload": delivery.body.decode("utf-8", "replace"),
        "http_status_code": str(delivery.last_status_code),
        "account_id": str(account_id),
    }


def shown_receipt(delivery: Delivery, attempt: Attempt) -> dict[str, str]:
    """An attempt as clients of /api/v3 know it: the receipt."""
    return {
        "id": attempt.attempt_id,
        "event_id": delivery.event_id,
        "subscription_id": delivery.subscription_id,
        "dispatched_at": microseconds(attempt.send_time),
        "http_status_code": str(attempt.status_code),
        "error_info": attempt.error_message or attempt.error,
        "request_body": delivery.body.decode("utf-8", "replace"),
        "request_headers": _as_object(attempt.request_headers),
        "response_body": attempt.response_body.decode("utf-8", "replace"),
    }


def _as_object(headers: Iterable[Header]) -> str:
    values: dict[str, str] = {}
    for header in headers:
        before = values.get(header.name)
        values[header.name] = header.value if before is None else f"{before}, {header.value}"
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
