"""Events in, deliveries out: publishing over REST, and what became of it."""

from collections.abc import Mapping

from gateway.api.deliveries import DeliveriesQuery
from gateway.api.events import STATUSES, EventBody, PublishBody, RunData
from gateway.numbers import LARGEST
from gateway.openapi.derived import parameters_of, request_of
from gateway.openapi.formats import EVENT_TYPES
from gateway.openapi.operation import Operation, answer, json_body
from gateway.openapi.schema import Schema, array, boolean, closed, integer, one_of, or_null, ref, string

TAG = "Events and deliveries"
ACCOUNT = "/api/v1/accounts/{account_id}"
STATES = ("PENDING", "DELIVERING", "SUCCEEDED", "FAILED", "CANCELLED")
MOST_EVENTS = 1000
_DELIVERY: dict[str, Schema] = {
    "delivery_id": ref("Number"),
    "event_id": ref("EventId"),
    "subscription_id": ref("WebhookId"),
    "event_type": ref("EventType"),
    "job_id": string("The job that the event tells of.", pattern="^[0-9]{1,19}$", examples=["123"]),
    "state": one_of(*STATES),
    "reason": string("Why it FAILED or was CANCELLED. Else empty.", examples=[""]),
    "attempt_count": integer(minimum=0, examples=[1]),
    "last_status_code": integer("0: there was no answer yet.", minimum=0, maximum=999, examples=[200]),
    "test": boolean("Whether it was sent by the test of a webhook."),
    "created_at": ref("Time", "When its event was published."),
    "next_attempt_at": or_null(
        ref("Time"), "When its next attempt is due. Null when there is none, or one is under way."
    ),
    "finished_at": or_null(ref("Time"), "When it became final. Null until then."),
    "erased_at": or_null(ref("Time"), "When its body was erased. Null when it was not."),
}
_SECONDS: Schema = {"type": "number", "minimum": 0, "examples": [0.004]}
_HEADER = closed({"name": string(examples=["content-type"]), "value": string(examples=["application/json"])})
_ATTEMPT = closed(
    {
        "attempt_id": ref("AttemptId"),
        "number": integer("1 for the first.", minimum=1, examples=[1]),
        "sent_at": ref("Time"),
        "status_code": integer("0: there was no answer.", minimum=0, maximum=999, examples=[200]),
        "error": string(
            "What went wrong below HTTP, such as `dns`, `connect`, `tls`, `timeout`. Else empty.", examples=[""]
        ),
        "error_message": string("The same for people.", examples=[""]),
        "phase": string(
            "Where it stood when it ended without an answer, such as `connect`, `tls`, `answer`. Else empty.",
            examples=[""],
        ),
        "manual": boolean("Asked for by hand: a test, or a redelivery."),
        "duration_seconds": {"type": "number", "minimum": 0, "examples": [0.042]},
        "resolve_seconds": or_null(_SECONDS, "Name resolution. Null on a kept connection, as the next two."),
        "connect_seconds": or_null(_SECONDS, "TCP connect."),
        "tls_seconds": or_null(_SECONDS, "TLS handshake. Null on plain HTTP too."),
        "request_headers": array(_HEADER, "As they were sent, in their order. What is secret is masked."),
        "response_headers": array(_HEADER, "The answer's, at most 4 KiB of them."),
        "response_body": string("The first 4 KiB.", examples=["ok"]),
    }
)
_END = "Required for `job.run.completed` and `job.run.errored`: one of the two, whichever the event names it by."
_DATA = request_of(
    RunData,
    {
        "jobId": ref("NumberIn"),
        "runId": ref("NumberIn"),
        "environmentId": ref("NumberIn"),
        "projectId": ref("NumberIn"),
        "dbtVersion": string("Such as 1.11.0."),
        "runStatus": one_of(*STATUSES, description="It or runStatusCode is required; both must agree."),
        "runStatusCode": {"type": "integer", "enum": [int(code) for code in STATUSES.values()]},
        "runStatusMessage": string("Empty goes out as the word `None`."),
        "runStartedAt": or_null(ref("TimeIn"), "In whole seconds: fractions are cut."),
        "runFinishedAt": or_null(ref("TimeIn"), _END),
        "runErroredAt": or_null(ref("TimeIn"), _END),
    },
    required=["jobId", "runId", "environmentId", "projectId"],
)
_EVENT = request_of(
    EventBody,
    {
        "eventType": one_of(*EVENT_TYPES),
        "requestId": string(
            "Makes publishing idempotent: within 48 hours the same id with the same event is answered with the first event's "
            "id, with another event it is 409. Empty or absent: a repeated call is a second event.",
            maxLength=128,
            pattern="^[!-~]*$",
        ),
        "traceparent": string(
            "The W3C trace context that it belongs to, handed on to the receiver. Empty or absent: none.",
            pattern="^(00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2})?$",
        ),
        "timestamp": or_null(ref("TimeIn"), "When it happened, before 2262. Null or absent: when it is stored."),
        "data": ref("RunDataRequest"),
    },
    required=["eventType"],
)
_EXAMPLE = {
    "events": [
        {
            "eventType": "job.run.completed",
            "requestId": "run-12345-completed",
            "timestamp": "2023-01-31T19:29:35.789265936Z",
            "data": {
                "jobId": "123",
                "jobName": "Daily Job (dbt build)",
                "runId": "12345",
                "environmentId": "1234",
                "environmentName": "Production",
                "dbtVersion": "1.0.0",
                "projectName": "Snowflake Github Demo",
                "projectId": "167194",
                "runStatus": "Success",
                "runStatusCode": 10,
                "runReason": "Kicked off from UI by test@test.com",
                "runStartedAt": "2023-01-31T19:28:07Z",
                "runFinishedAt": "2023-01-31T19:29:32Z",
            },
        }
    ]
}

SCHEMAS: Mapping[str, Schema] = {
    "RunDataRequest": _DATA,
    "EventRequest": _EVENT,
    "PublishRequest": request_of(PublishBody, {"events": array(ref("EventRequest"), minItems=1, maxItems=MOST_EVENTS)}),
    "Delivery": closed(_DELIVERY),
    "DeliveryWithAttempts": closed(
        _DELIVERY
        | {
            "body": string(
                "The body as it goes out, the same bytes at every attempt. Empty: erased.", examples=["{...}"]
            ),
            "attempts": array(_ATTEMPT, "In the order of their making."),
        }
    ),
}

OPERATIONS = (
    Operation(
        method="post",
        path=f"{ACCOUNT}/events",
        id="publishEvents",
        summary="Publish events",
        description="Answered once all of them and their deliveries are stored, in one transaction: all or nothing. "
        "At most 256 KiB an event. After a 503 call again with the same `requestId`s. Keys are those of the delivered payload.",
        body=json_body(ref("PublishRequest"), _EXAMPLE),
        answers={
            200: answer(
                "An id for each event, in their order.", closed({"eventIds": array(ref("EventId"), minItems=1)})
            )
        },
        errors=(409,),
    ),
    Operation(
        method="get",
        path=f"{ACCOUNT}/deliveries",
        id="listDeliveries",
        summary="List the deliveries of a subscription",
        description="Newest first, of the last 30 days, those of a deleted subscription too. One that was published a moment "
        "ago is listed from its first attempt on. With `event_type` or `job_id`, a page looks at 5,000 deliveries at most: it "
        "may hold few, even none, and have a next page.",
        query=parameters_of(
            DeliveriesQuery,
            {
                "page_size": integer(
                    "How many at most. 0: 20. More than 100 is read as 100.", minimum=0, maximum=LARGEST, default=0
                ),
                "page_token": ref("PageToken"),
                "subscription_id": ref("WebhookId"),
                "state": one_of(*STATES),
                "event_type": string("Those of this event type alone.", examples=["job.run.errored"]),
                "job_id": integer("Those of this job's events alone. 0: all.", minimum=0, default=0, examples=[123]),
                "published_after": ref("TimeIn", "Those published at this time or later."),
                "published_before": ref("TimeIn", "Those published before this time."),
            },
        ),
        answers={
            200: answer(
                "A page.",
                closed({"deliveries": array(ref("Delivery"), maxItems=100), "next_page_token": ref("NextPageToken")}),
            )
        },
    ),
    Operation(
        method="get",
        path=f"{ACCOUNT}/deliveries/{{delivery_id}}",
        id="getDelivery",
        summary="Read a delivery with its attempts",
        answers={200: answer("The delivery.", ref("DeliveryWithAttempts"))},
    ),
)
