"""/api/v3 webhooks, and what was sent to one lately."""

from collections.abc import Mapping

from gateway.api.webhooks import WebhookBody
from gateway.numbers import LARGEST
from gateway.openapi.derived import parameters_of, request_of
from gateway.openapi.errors import ENVELOPE
from gateway.openapi.formats import EVENT_TYPES, OPERATIONAL_EVENT_TYPES
from gateway.openapi.operation import Operation, enveloped, json_body
from gateway.openapi.schema import Schema, array, boolean, closed, integer, one_of, ref, string
from gateway.paging import OffsetQuery

TAG = "Webhooks"
WEBHOOKS = "/api/v3/accounts/{account_id}/webhooks/subscriptions"
WEBHOOK = "/api/v3/accounts/{account_id}/webhooks/subscription/{webhook_id}"
LONGEST_NAME, LONGEST_DESCRIPTION, LONGEST_URL = 255, 2000, 2048
MOST_JOBS, MOST_EVENT_TYPES = 10_000, 100
_NO_NUL = "^[^\\u0000]*$"
_CODE = string('An HTTP status in decimal. "0": there was no answer.', pattern="^(0|[1-5][0-9]{2})$", examples=["200"])

_SHOWN: dict[str, Schema] = {
    "id": ref("WebhookId"),
    "account_identifier": ref("AccountIdentifier"),
    "name": string("As it was sent, to the letter.", examples=["Orders are loaded"]),
    "description": string("Empty when there is none.", examples=[""]),
    "job_ids": array(ref("Number"), "The jobs whose events are wanted, order kept. Empty: every job."),
    "event_types": array(ref("EventType"), "Order and duplicates kept; each event is delivered once.", minItems=1),
    "client_url": string("As it was sent, to the letter.", examples=["https://example.com/hook"]),
    "hmac_secret": ref("SigningSecret"),
    "active": boolean("False pauses it: nothing that is published meanwhile is sent to it."),
    "created_at": ref("Microseconds"),
    "updated_at": ref("Microseconds", "When its configuration last changed."),
    "account_id": ref("Number"),
    "http_status_code": _CODE | {"description": 'The endpoint\'s last answer. "0": it was never triggered.'},
    "dispatched_at": ref("Microseconds", "When something was last sent. Absent until then."),
    "deactivate_reason": string("Why the platform made it inactive. Absent when it did not.", minLength=1),
}
_SOMETIMES = ("dispatched_at", "deactivate_reason")
_REQUEST = request_of(
    WebhookBody,
    {
        "name": string(minLength=1, maxLength=LONGEST_NAME, pattern=_NO_NUL),
        "description": {
            "type": ["string", "null"],
            "description": "Absent and null mean empty.",
            "maxLength": LONGEST_DESCRIPTION,
            "pattern": _NO_NUL,
        },
        "job_ids": {
            "description": "The jobs whose events are wanted. One bare number is a list of one. Empty, null, absent: all.",
            "anyOf": [
                array(ref("NumberIn"), maxItems=MOST_JOBS),
                integer(minimum=1, maximum=LARGEST),
                {"type": "null"},
            ],
        },
        "event_types": array(ref("EventType"), minItems=1, maxItems=MOST_EVENT_TYPES),
        "client_url": string(
            "Where to send. No user name or password, no blanks; international names in their xn-- form, IPv6 in brackets.",
            maxLength=LONGEST_URL,
            pattern="^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@\\s]+[^\\s]*$",
        ),
    },
)
_EXAMPLE = {
    "name": "Orders are loaded",
    "event_types": ["job.run.completed", "job.run.errored"],
    "client_url": "https://example.com/hook",
    "active": True,
    "job_ids": [123],
}

SCHEMAS: Mapping[str, Schema] = {
    "EventType": one_of(
        *EVENT_TYPES,
        *OPERATIONAL_EVENT_TYPES,
        description="A failed run makes `job.run.errored` at once and `job.run.completed` later. The last two tell of every "
        "account and are for subscriptions of the operator's own.",
    ),
    "Webhook": closed({name: one for name, one in _SHOWN.items() if name != "hmac_secret"}, optional=_SOMETIMES),
    "NewWebhook": closed(_SHOWN, "The one look at hmac_secret.", optional=_SOMETIMES),
    "WebhookRequest": {
        "description": "Unknown keys are ignored, so that what was read can be sent back.",
        **_REQUEST,
    },
    "WebhookEvent": closed(
        {
            "id": ref("EventId"),
            "subscription_id": ref("WebhookId"),
            "account_identifier": ref("AccountIdentifier"),
            "job_id": string(pattern="^[0-9]{1,19}$", examples=["123"]),
            "trigger_event_type": ref("EventType"),
            "payload": string("The body as it goes out, the same bytes at every attempt.", examples=["{...}"]),
            "http_status_code": _CODE,
            "account_id": ref("Number"),
        },
        "An event that was sent to the webhook.",
    ),
    "WebhookReceipt": closed(
        {
            "id": ref("AttemptId"),
            "event_id": ref("EventId"),
            "subscription_id": ref("WebhookId"),
            "dispatched_at": ref("Microseconds"),
            "http_status_code": _CODE,
            "error_info": string("Why there was no answer. Empty when there was one.", examples=[""]),
            "request_body": string(examples=["{...}"]),
            "request_headers": string("A JSON object; what is secret is masked.", examples=["{...}"]),
            "response_body": string("The first 4 KiB.", examples=["ok"]),
        },
        "One attempt to deliver an event.",
    ),
    "WebhookTest": closed(
        {
            "verification_error": {
                "type": ["string", "null"],
                "description": "Why the endpoint did not answer. Null when it did.",
                "minLength": 1,
                "examples": [None],
            },
            "verification_status_code": _CODE,
        }
    ),
    "PageExtra": closed(
        {
            "pagination": closed(
                {
                    "total_count": integer("How many there are in all.", minimum=0),
                    "count": integer("How many stand here.", minimum=0),
                }
            ),
            "filters": closed({"offset": integer(minimum=0), "limit": integer(minimum=1, maximum=100)}),
        }
    ),
}
_LIMIT = integer("How many at most.", minimum=1, maximum=100, default=10)
_OFFSET = integer("How many to leave out at the beginning.", minimum=0, maximum=LARGEST, default=0)
PAGE = parameters_of(OffsetQuery, {"limit": _LIMIT, "offset": _OFFSET})
_NEAR_PAGE = parameters_of(OffsetQuery, {"limit": _LIMIT, "offset": _OFFSET | {"maximum": 10_000}})

OPERATIONS = (
    Operation(
        method="post",
        path=WEBHOOKS,
        id="createWebhook",
        summary="Make a webhook",
        description="The answer is the one place where `hmac_secret` ever stands. An account has at most 500 webhooks: the "
        "next one is 409. Whether the endpoint answers is not asked here: the test does that.",
        body=json_body(ref("WebhookRequest"), _EXAMPLE),
        answers={201: enveloped(201, "The webhook with its signing secret.", ref("NewWebhook"))},
        errors=(409,),
        errors_as=ENVELOPE,
    ),
    Operation(
        method="get",
        path=WEBHOOKS,
        id="listWebhooks",
        summary="List the account's webhooks",
        description="In the order of their making. An offset past the end gives an empty page.",
        query=PAGE,
        answers={200: enveloped(200, "A page of webhooks.", array(ref("Webhook"), maxItems=100), extra="PageExtra")},
        errors_as=ENVELOPE,
    ),
    Operation(
        method="get",
        path=WEBHOOK,
        id="getWebhook",
        summary="Read a webhook",
        answers={200: enveloped(200, "The webhook.", ref("Webhook"))},
        errors_as=ENVELOPE,
    ),
    Operation(
        method="put",
        path=WEBHOOK,
        id="updateWebhook",
        summary="Replace a webhook's configuration",
        description="All of it: what is not sent is not kept. `active: true`, or another `client_url`, revives a webhook that "
        "the platform made inactive. The signing secret stays.",
        body=json_body(ref("WebhookRequest"), _EXAMPLE | {"active": False}),
        answers={200: enveloped(200, "The webhook as it is now.", ref("Webhook"))},
        errors_as=ENVELOPE,
    ),
    Operation(
        method="delete",
        path=WEBHOOK,
        id="deleteWebhook",
        summary="Delete a webhook",
        description="Nothing is sent to it from then on. A second time it is 404.",
        answers={
            200: enveloped(200, "It is gone.", closed({"id": ref("WebhookId")}), is_success=True),
        },
        errors_as=ENVELOPE,
    ),
    Operation(
        method="get",
        path=f"{WEBHOOK}/test",
        id="testWebhook",
        summary="Send one test event now",
        description="A GET with an effect: one signed delivery with made-up values, active or not, once, within 10 s. What the "
        "endpoint does is in the answer and never an error. HEAD is not served here.",
        answers={200: enveloped(200, "What the endpoint made of it.", ref("WebhookTest"))},
        errors_as=ENVELOPE,
    ),
    Operation(
        method="get",
        path=f"{WEBHOOK}/events",
        id="listWebhookEvents",
        summary="List what was sent to a webhook",
        description="Newest first, of the last 30 days. `total_count` counts up to 10,000.",
        query=_NEAR_PAGE,
        answers={200: enveloped(200, "A page of events.", array(ref("WebhookEvent"), maxItems=100), extra="PageExtra")},
        errors_as=ENVELOPE,
    ),
    Operation(
        method="get",
        path=f"{WEBHOOK}/event/{{event_id}}/receipt",
        id="listWebhookReceipts",
        summary="List the attempts to deliver an event",
        answers={200: enveloped(200, "In the order of their making.", array(ref("WebhookReceipt")))},
        errors_as=ENVELOPE,
    ),
)
