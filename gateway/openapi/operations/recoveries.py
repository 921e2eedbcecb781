"""Delivering again: one delivery, or all of a subscription that failed."""

from collections.abc import Mapping

from gateway.api.recoveries import RecoverBody
from gateway.openapi.derived import request_of
from gateway.openapi.formats import EVENT_TYPES, OPERATIONAL_EVENT_TYPES
from gateway.openapi.operation import Operation, answer, json_body
from gateway.openapi.schema import Schema, array, closed, integer, one_of, or_null, ref

TAG = "Delivering again"
ACCOUNT = "/api/v1/accounts/{account_id}"
SUBSCRIPTION = f"{ACCOUNT}/subscriptions/{{subscription_id}}"
_TYPE = one_of(*EVENT_TYPES, *OPERATIONAL_EVENT_TYPES)

SCHEMAS: Mapping[str, Schema] = {
    "RecoverRequest": request_of(
        RecoverBody,
        {
            "published_after": ref("TimeIn", "Deliveries of events published at this time or later."),
            "published_before": or_null(ref("TimeIn"), "Those published before this time. Null or absent: now."),
            "event_type": or_null(_TYPE, "Those of this type. Null or absent: all."),
            "job_id": or_null(ref("NumberIn"), "Those of this job's events. Null, 0 or absent: all."),
        },
    ),
    "Recovery": closed(
        {
            "recovery_id": ref("Number"),
            "subscription_id": ref("WebhookId"),
            "state": one_of("RUNNING", "FINISHED", "CANCELLED"),
            "published_after": ref("Time"),
            "published_before": ref("Time"),
            "event_type": or_null(_TYPE, "Null: all."),
            "job_id": or_null(ref("Number"), "Null: all."),
            "found": integer(
                "How many there were when it began, counted among the oldest 100,000 of its span.",
                minimum=0,
                examples=[500],
            ),
            "requeued": integer("How many are back in the queue.", minimum=0, examples=[200]),
            "created_at": ref("Time"),
            "finished_at": or_null(ref("Time"), "When it finished or was cancelled. Null until then."),
        }
    ),
}

OPERATIONS = (
    Operation(
        method="post",
        path=f"{ACCOUNT}/deliveries/{{delivery_id}}/redeliver",
        id="redeliver",
        summary="Deliver again",
        description="Puts a finished delivery back into the queue: the same event id and the same bytes, further attempts on "
        "a schedule that begins afresh. 409 while it is under way (reason `NOT_FINISHED`), when nothing would be sent "
        "(`SUBSCRIPTION_INACTIVE`), when its body was erased (`BODY_ERASED`), and for a test (`TEST_DELIVERY`).",
        answers={202: answer("The delivery, pending again.", ref("Delivery"))},
        errors=(409,),
    ),
    Operation(
        method="post",
        path=f"{SUBSCRIPTION}/recover",
        id="startRecovery",
        summary="Deliver all again that failed",
        description="Redelivers in the background what FAILED or was CANCELLED, oldest first and bit by bit. 409 while "
        "another one of the subscription runs (reason `RECOVERY_UNDER_WAY`), and when nothing would be sent "
        "(`SUBSCRIPTION_INACTIVE`). One ends CANCELLED when its subscription is set inactive or deleted.",
        body=json_body(ref("RecoverRequest"), {"published_after": "2026-01-31T19:29:35Z"}),
        answers={202: answer("The recovery.", ref("Recovery"))},
        errors=(409,),
    ),
    Operation(
        method="get",
        path=f"{SUBSCRIPTION}/recoveries",
        id="listRecoveries",
        summary="List the recoveries of a subscription",
        description="Newest first.",
        answers={200: answer("All, up to 100.", closed({"recoveries": array(ref("Recovery"), maxItems=100)}))},
    ),
    Operation(
        method="get",
        path=f"{ACCOUNT}/recoveries/{{recovery_id}}",
        id="getRecovery",
        summary="Read a recovery",
        answers={200: answer("The recovery as it is now.", ref("Recovery"))},
    ),
    Operation(
        method="delete",
        path=f"{ACCOUNT}/recoveries/{{recovery_id}}",
        id="cancelRecovery",
        summary="Cancel a recovery",
        description="What is back in the queue is delivered. Repeatable; one that has ended stays as it is.",
        answers={200: answer("The recovery.", ref("Recovery"))},
    ),
)
