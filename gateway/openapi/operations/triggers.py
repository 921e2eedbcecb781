"""Tasks, the triggers that start them, and the trigger door itself."""

from collections.abc import Mapping

from gateway.api.tasks import ParameterBody, TaskBody
from gateway.api.triggers import TriggerBody
from gateway.openapi.derived import request_of
from gateway.openapi.errors import REQUEST_ID
from gateway.openapi.operation import Operation, answer, json_body
from gateway.openapi.schema import Schema, array, boolean, closed, integer, one_of, or_null, ref, string

TAG = "Tasks and triggers"
ACCOUNT = "/api/v1/accounts/{account_id}"
DOOR = "/t/{token}"
_NAME = "^[^\\u0000-\\u001f\\u007f]*$"
_PARAMETER_NAME = "^[A-Za-z_][A-Za-z0-9_]{0,62}$"
_SLOT_NAME = "^[A-Za-z0-9_-]{1,63}$"
_VALUE = string(maxLength=4096, pattern="^[^\\u0000]*$")
_SHORT = string(maxLength=255, pattern=_NAME)
_KIND = one_of("standard", "big_data", description="What a window of its calls may hold: 8 MiB, or 5 KiB.")

_TASK: dict[str, Schema] = {
    "task_id": ref("Number"),
    "account_id": ref("Number"),
    "name": string(minLength=1, examples=["Load orders"]),
    "kind": _KIND,
    "command": string(examples=["dbt-build"]),
    "slots": {"type": "object", "additionalProperties": {"type": "string"}, "examples": [{}]},
    "parameters": array(
        closed({"name": string(examples=["resource_webhook_payload"]), "default_value": string(examples=[""])})
    ),
    "timeout_seconds": integer(minimum=60, maximum=86_400, examples=[3600]),
    "allow_parallel_runs": boolean(),
    "max_attempts": integer(minimum=1, maximum=10, examples=[1]),
    "environment_id": ref("Number"),
    "environment_name": string(examples=["Production"]),
    "project_id": ref("Number"),
    "project_name": string(examples=["Default"]),
    "dbt_version": string(examples=["1.11.0"]),
    "created_at": ref("Time"),
}
_TASK_REQUEST = request_of(
    TaskBody,
    {
        "name": string(minLength=1, maxLength=255, pattern=_NAME),
        "kind": _KIND | {"default": "standard"},
        "command": string("The name of a command that the runner's operator has named.", pattern="^[a-z0-9_-]{1,63}$"),
        "slots": {
            "type": "object",
            "description": "What fills the command's slots. The operator's pattern for each must allow it.",
            "maxProperties": 100,
            "propertyNames": {"pattern": _SLOT_NAME},
            "additionalProperties": _VALUE,
        },
        "parameters": array(
            ref("ParameterRequest"),
            "Each name once. A task that a trigger starts needs `resource_webhook_payload` among them.",
            maxItems=100,
        ),
        "timeout_seconds": {
            "type": ["integer", "null"],
            "description": "How long a run may take. Null or absent: an hour.",
            "minimum": 60,
            "maximum": 86_400,
        },
        "allow_parallel_runs": boolean("Whether two runs of it may go on at once."),
        "max_attempts": integer(
            "How often a run is tried in all when its runner dies. 0: once.", minimum=0, maximum=10
        ),
        "environment_id": ref("NumberOrZeroIn", "Goes out as `environmentId`. 0 or absent: 1."),
        "environment_name": _SHORT | {"description": "Empty or absent: `Production`."},
        "project_id": ref("NumberOrZeroIn", "Goes out as `projectId`. 0 or absent: 1."),
        "project_name": _SHORT | {"description": "Empty or absent: `Default`."},
        "dbt_version": _SHORT,
    },
    required=["name", "command"],
)
_TRIGGER: dict[str, Schema] = {
    "trigger_id": ref("TriggerId"),
    "account_id": ref("Number"),
    "name": string(pattern="^[A-Za-z0-9_]{1,100}$", examples=["orders"]),
    "task_id": ref("Number"),
    "threshold": integer(minimum=1, maximum=10_000, examples=[100]),
    "duration_seconds": integer(minimum=1, maximum=86_400, examples=[60]),
    "enabled": boolean(),
    "data_mode": {"const": "string"},
    "created_at": ref("Time"),
}

SCHEMAS: Mapping[str, Schema] = {
    "ParameterRequest": request_of(
        ParameterBody,
        {"name": string(pattern=_PARAMETER_NAME), "default_value": _VALUE},
        required=["name"],
    ),
    "TaskRequest": _TASK_REQUEST,
    "Task": closed(_TASK, "What a run executes. Events of its runs name it as `jobId`."),
    "TriggerRequest": request_of(
        TriggerBody,
        {
            "name": string(pattern="^[A-Za-z0-9_]{1,100}$"),
            "task_id": ref("NumberIn", "The task that it starts; a task has at most one trigger."),
            "threshold": integer("How many calls close a window.", minimum=1, maximum=10_000),
            "duration_seconds": integer(
                "How long after its first call a window closes at the latest.", minimum=1, maximum=86_400
            ),
            "data_mode": {"const": "string", "default": "string"},
        },
        required=["name", "task_id", "threshold", "duration_seconds"],
    ),
    "NewTrigger": closed(
        _TRIGGER
        | {
            "url": string(
                "Who has it can start the task.",
                format="uri",
                pattern="/t/[A-Za-z0-9_-]{43}$",
                examples=["https://example.com/t/0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"],
            )
        },
        "A trigger with the one look at its URL.",
    ),
    "Trigger": closed(
        _TRIGGER | {"newest_window": or_null(ref("Window"), "Null before the first call.")},
        "A secret URL that turns calls into executions of a task.",
    ),
    "Window": closed(
        {
            "window_id": ref("Number"),
            "state": one_of("OPEN", "CLOSED"),
            "size": integer("How many calls it holds.", minimum=1, examples=[3]),
            "threshold": integer(minimum=1, examples=[100]),
            "opened_at": ref("Time"),
            "deadline_at": ref("Time"),
            "closed_at": or_null(ref("Time")),
            "close_reason": one_of("", "threshold", "deadline", "bytes", "disabled"),
        },
        "The span that gathers a trigger's calls.",
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
    "headers": REQUEST_ID | {"X-Call-Id": {"required": True, "schema": ref("CallId")}},
}
_OPTIONS = {
    "description": "What may be done here.",
    "headers": REQUEST_ID | {"Allow": {"$ref": "#/components/headers/Allow"}},
}

OPERATIONS = (
    Operation(
        method="post",
        path=f"{ACCOUNT}/tasks",
        id="createTask",
        summary="Make a task",
        body=json_body(
            ref("TaskRequest"),
            {"name": "Load orders", "command": "dbt-build", "parameters": [{"name": "resource_webhook_payload"}]},
        ),
        answers={201: answer("The task.", ref("Task"))},
    ),
    Operation(
        method="get",
        path=f"{ACCOUNT}/tasks/{{task_id}}",
        id="getTask",
        summary="Read a task",
        answers={200: answer("The task.", ref("Task"))},
    ),
    Operation(
        method="post",
        path=f"{ACCOUNT}/triggers",
        id="createTrigger",
        summary="Make a trigger",
        description="The answer is the one place where its URL ever stands. 409 when the task has a trigger already, or does "
        "not declare the parameter `resource_webhook_payload` (reason `PARAMETER_MISSING`).",
        body=json_body(
            ref("TriggerRequest"), {"name": "orders", "task_id": "1", "threshold": 100, "duration_seconds": 60}
        ),
        answers={201: answer("The trigger with its URL.", ref("NewTrigger"))},
        errors=(409,),
    ),
    Operation(
        method="get",
        path=f"{ACCOUNT}/triggers/{{trigger_id}}",
        id="getTrigger",
        summary="Read a trigger with its newest window",
        answers={200: answer("The trigger.", ref("Trigger"))},
    ),
    Operation(
        method="post",
        path=DOOR,
        id="callTrigger",
        summary="Call a trigger",
        description="The token in the path is all that a caller needs. 204 means committed: the call is a member of one "
        "window. The body stands in the execution's payload as text, whatever it is: at most 1 MiB, in UTF-8 unless its media "
        "type says otherwise. After 503 send it again.",
        body=_CALL,
        answers={204: _TAKEN},
        errors=(400, 404, 405, 408, 413, 415, 500, 503),
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
