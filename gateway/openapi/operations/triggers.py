"""Triggers, and the trigger door itself."""

from collections.abc import Mapping

from gateway.api.triggers import CronBody, DeleteQuery, RegenerateBody, TriggerBody
from gateway.openapi import verification
from gateway.openapi.derived import parameters_of, request_of
from gateway.openapi.errors import REQUEST_ID
from gateway.openapi.operation import IF_MATCH, NO_CONTENT, Operation, answer, json_body, versioned
from gateway.openapi.operations.tasks import ETAG, PAGE
from gateway.openapi.schema import Schema, array, boolean, closed, integer, one_of, or_null, ref, string

TAG = "Triggers"
ACCOUNT = "/api/v1/accounts/{account_id}"
TRIGGER = f"{ACCOUNT}/triggers/{{trigger_id}}"
DOOR = "/t/{token}"
_KIND = one_of("webhook", "once", "cron")
_DATA_MODE = one_of(
    "string",
    "object",
    "talend_raw",
    description="A call in `data`: as a JSON string; JSON as JSON; or, as the source has it, with its quotes unescaped.",
)
_OF_A_WEBHOOK = "Null: its kind has none."
_TRIGGER: dict[str, Schema] = {
    "trigger_id": ref("TriggerId"),
    "account_id": ref("Number"),
    "name": string(pattern="^[A-Za-z0-9_#-]{1,100}$", examples=["orders"]),
    "task_id": or_null(ref("Number"), "Null: it starts a plan."),
    "plan_id": or_null(ref("Number"), "Null: it starts a task."),
    "kind": _KIND,
    "threshold": or_null(integer(minimum=1, maximum=10_000, examples=[100]), _OF_A_WEBHOOK),
    "duration_seconds": or_null(integer(minimum=1, maximum=86_400, examples=[60]), _OF_A_WEBHOOK),
    "enabled": boolean(),
    "data_mode": _DATA_MODE,
    "start_at": or_null(ref("Time"), "Of kind `once`."),
    "cron": or_null(ref("Cron"), "Of kind `cron`."),
    "next_start_at": or_null(ref("Time"), "When it starts an execution by itself. Null: never again."),
    "verification": or_null(ref("Verification"), "Null: calls need not prove anything."),
    "call_rules": or_null(ref("CallRules"), "Null: what is documented, and no more."),
    "etag": ETAG,
    "created_at": ref("Time"),
}
_URL = string(
    "Who has it can start the task or plan.",
    format="uri",
    pattern="/t/[A-Za-z0-9_-]{43}$",
    examples=["https://example.com/t/0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"],
)
_SHOWN_CRON: dict[str, Schema] = {
    "expression": string(examples=["*/15 6-18 * * mon-fri"]),
    "time_zone": string(examples=["Europe/Berlin"]),
}

SCHEMAS: Mapping[str, Schema] = {
    **verification.SCHEMAS,
    "CronRequest": request_of(
        CronBody,
        {
            "expression": string(
                "Minute, hour, day of month, month, day of week.", maxLength=255, examples=["0 3 * * *"]
            ),
            "time_zone": string("The IANA name of a time zone. Empty: UTC.", examples=["Europe/Berlin"]),
        },
        required=["expression"],
    ),
    "Cron": closed(_SHOWN_CRON),
    "TriggerRequest": request_of(
        TriggerBody,
        {
            "name": string("Of a webhook without `-` and `#`.", pattern="^[A-Za-z0-9_#-]{1,100}$"),
            "task_id": or_null(ref("NumberOrZeroIn"), "The task that it starts, or else a plan."),
            "plan_id": or_null(ref("NumberOrZeroIn"), "The plan that it starts, or else a task."),
            "kind": {
                "enum": ["webhook", "once", "cron", None],
                "description": "Null or absent: webhook, or what it was.",
            },
            "threshold": {
                "type": ["integer", "null"],
                "description": "Of a webhook: how many calls close a window.",
                "minimum": 1,
                "maximum": 10_000,
            },
            "duration_seconds": {
                "type": ["integer", "null"],
                "description": "Of a webhook: how long after its first call a window closes at the latest.",
                "minimum": 1,
                "maximum": 86_400,
            },
            "enabled": boolean("Of an update: false closes the open window, and the URL is not found. Absent: true."),
            "data_mode": _DATA_MODE | {"default": "string"},
            "start_at": or_null(ref("TimeIn"), "Of kind `once`: when, in the future."),
            "cron": or_null(ref("CronRequest"), "Of kind `cron`."),
            "verification": or_null(ref("VerificationRequest"), "Of a webhook. Null or absent: none."),
            "call_rules": or_null(ref("CallRulesRequest"), "Of a webhook. Null or absent: none."),
        },
        required=["name"],
    ),
    "RegenerateRequest": request_of(
        RegenerateBody,
        {"grace_seconds": integer("How long the old URL still answers.", minimum=0, maximum=604_800)},
    ),
    "NewTrigger": closed(
        _TRIGGER | {"url": or_null(_URL, "Null: it is no webhook.")},
        "A trigger with its URL.",
    ),
    "TriggerSettings": closed(
        _TRIGGER, "What starts executions of a task or plan: a secret URL, a moment, or a schedule."
    ),
    "Trigger": closed(
        _TRIGGER | {"newest_window": or_null(ref("Window"), "Null before the first call.")},
        "A trigger with its newest window.",
    ),
}
_CALL = {
    "required": False,
    "content": {
        "application/json": {"schema": {}, "example": {"order": 17}},
        **{
            kind: {"schema": {"type": "string"}}
            for kind in ("application/xml", "text/xml", "text/plain", "application/x-www-form-urlencoded")
        },
    },
}
_TAKEN = {
    "description": "It is on disk and a member of a window.",
    "headers": REQUEST_ID
    | {
        "X-Call-Id": {"required": True, "schema": ref("CallId")},
        "X-Duplicate": {
            "description": "The call came before: the id is the first one's, and it was not counted again.",
            "schema": {"const": "true"},
        },
    },
}
_REPLIED = {
    "description": "What some senders expect instead of 204: the answer to a handshake, or an acknowledgement.",
    "headers": REQUEST_ID | {"X-Call-Id": {"schema": ref("CallId")}},
    "content": {"*/*": {"schema": {"type": "string"}}},
}
_UNPROVEN = {
    "description": "The trigger verifies its calls, and this one has no signature, a wrong one or an old one.",
    "headers": REQUEST_ID | {"WWW-Authenticate": {"description": "Where HTTP has a word for it.", "schema": string()}},
    "content": {"application/problem+json": {"schema": ref("Problem")}},
}
_OPTIONS = {
    "description": "What may be done here.",
    "headers": REQUEST_ID | {"Allow": {"$ref": "#/components/headers/Allow"}},
}

OPERATIONS = (
    Operation(
        method="post",
        path=f"{ACCOUNT}/triggers",
        id="createTrigger",
        summary="Make a trigger",
        description="A task or plan has one webhook, or up to 15 others. 400 when nothing that it starts first declares the "
        "parameter `resource_webhook_payload` (reason `PARAMETER_MISSING`); 409 when there is a webhook already "
        "(`TRIGGER_EXISTS`), triggers of the other sort (`TRIGGERS_EXCLUDED`), or 15 others (`TOO_MANY_TRIGGERS`).",
        body=json_body(
            ref("TriggerRequest"), {"name": "orders", "task_id": "1", "threshold": 100, "duration_seconds": 60}
        ),
        answers={201: versioned("The trigger, with its URL.", ref("NewTrigger"))},
        errors=(409,),
    ),
    Operation(
        method="get",
        path=f"{ACCOUNT}/triggers",
        id="listTriggers",
        summary="List triggers",
        description="In the order of their making.",
        query=PAGE,
        answers={
            200: answer(
                "A page.",
                closed(
                    {"triggers": array(ref("TriggerSettings"), maxItems=100), "next_page_token": ref("NextPageToken")}
                ),
            )
        },
    ),
    Operation(
        method="get",
        path=TRIGGER,
        id="getTrigger",
        summary="Read a trigger with its newest window",
        answers={200: versioned("The trigger.", ref("Trigger"))},
    ),
    Operation(
        method="put",
        path=TRIGGER,
        id="updateTrigger",
        summary="Replace a trigger",
        description="What is not sent is the default, but for kind, task or plan and secrets, which stay. An open window keeps "
        "what it was opened with; a trigger that is no longer enabled closes it, and it is executed.",
        query=(IF_MATCH,),
        body=json_body(ref("TriggerRequest"), {"name": "orders", "threshold": 10, "duration_seconds": 60}),
        answers={200: versioned("The trigger.", ref("TriggerSettings"))},
        errors=(412,),
    ),
    Operation(
        method="delete",
        path=TRIGGER,
        id="deleteTrigger",
        summary="Delete a trigger",
        description="Its open window closes and is executed, unless its calls are to be thrown away: who asked is noted.",
        query=parameters_of(DeleteQuery, {"discard": one_of("true", "false")}),
        answers={204: NO_CONTENT},
    ),
    Operation(
        method="post",
        path=f"{TRIGGER}/reveal",
        id="revealTrigger",
        summary="Show a webhook's URL",
        description="Who asked is noted. 409 for a trigger that is no webhook (reason `NOT_A_WEBHOOK`).",
        answers={
            200: answer(
                "Its URL.",
                closed(
                    {
                        "url": _URL,
                        "old_url": or_null(_URL, "The one before, while it still answers."),
                        "old_url_expires_at": or_null(ref("Time")),
                    }
                ),
            )
        },
        errors=(409,),
    ),
    Operation(
        method="post",
        path=f"{TRIGGER}/regenerate",
        id="regenerateTrigger",
        summary="Make a new URL for a webhook",
        description="The old one answers for `grace_seconds` more, up to 7 days; both lead to the same window. Who "
        "asked is noted. 409 for a trigger that is no webhook (reason `NOT_A_WEBHOOK`).",
        body=json_body(ref("RegenerateRequest"), {"grace_seconds": 3600}, required=False),
        answers={200: answer("The new URL.", closed({"url": _URL}))},
        errors=(409,),
    ),
    Operation(
        method="post",
        path=DOOR,
        id="callTrigger",
        summary="Call a trigger",
        description="The token in the path is all that a caller needs. 204 means committed: the call is a member of one "
        "window. The body stands in the execution's payload as text, whatever it is: at most 1 MiB, in UTF-8 unless its media "
        "type says otherwise. After 429 and 503 send it again.",
        body=_CALL,
        answers={200: _REPLIED, 204: _TAKEN, 401: _UNPROVEN},
        errors=(400, 404, 405, 408, 413, 415, 429, 500, 503),
        public=True,
    ),
    Operation(
        method="options",
        path=DOOR,
        id="callTriggerOptions",
        summary="Ask what a trigger takes",
        answers={204: _OPTIONS},
        errors=(404, 405, 500, 503),
        public=True,
    ),
)
