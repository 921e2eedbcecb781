"""Tasks, which runs execute, and plans, which are ordered steps of them."""

from collections.abc import Mapping

from gateway.api.plans import PlanBody, PlansQuery, StepBody
from gateway.api.tasks import CopyBody, ParameterBody, QueueLimitBody, TaskBody, TasksQuery
from gateway.numbers import LARGEST
from gateway.openapi.derived import parameters_of, request_of
from gateway.openapi.operation import IF_MATCH, NO_CONTENT, Operation, answer, json_body, versioned
from gateway.openapi.schema import Schema, array, boolean, closed, integer, one_of, or_null, ref, string
from gateway.paging import PageQuery

TAG = "Tasks and plans"
ACCOUNT = "/api/v1/accounts/{account_id}"
NAME_RULE = "^[^\\u0000-\\u001f\\u007f]*$"
_PAGE: dict[str, Schema] = {
    "page_size": integer(
        "How many at most. 0: 20. More than 100 is read as 100.", minimum=0, maximum=LARGEST, default=0
    ),
    "page_token": ref("PageToken"),
}
PAGE = parameters_of(PageQuery, _PAGE)
_NAMED = string(
    "Only these: at most 100 numbers with commas between them. One that is not there is left out. Empty: all.",
    pattern="^(0?[1-9][0-9]{0,17}(,0?[1-9][0-9]{0,17}){0,99})?$",
    default="",
)
ETAG = string("Names this version of it; also the header `ETag`.", pattern="^[0-9]+$", examples=["1"])
_PARAMETER_NAME = "^[A-Za-z_][A-Za-z0-9_]{0,62}$"
_SLOT_NAME = "^[A-Za-z0-9_-]{1,63}$"
_VALUE = string(maxLength=4096, pattern="^[^\\u0000]*$")
_SHORT = string(maxLength=255, pattern=NAME_RULE)
_KIND = one_of("standard", "big_data", description="What a window of its calls may hold: 8 MiB, or 5 KiB.")

_QUEUE_LIMIT_IN = or_null(ref("QueueLimitRequest"), "How many executions may wait or run. Null or absent: 50, `fail`.")
_QUEUE_MODE = one_of(
    "fail",
    "reject",
    "hold",
    description="What becomes of those beyond it: they are REJECTED; calls that would open a window get 429; they wait.",
)
_QUEUE_COUNT = one_of(
    "concurrent",
    "rolling",
    description="Which ones count, of the last 60 minutes: those that wait or run, or all.",
)
_TIMEOUT = integer(minimum=60, maximum=86_400, examples=[3600])

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
    "queue_limit": ref("QueueLimit"),
    "paused": boolean("Calls are taken and windows close; executions wait until it is resumed."),
    "etag": ETAG,
    "created_at": ref("Time"),
}
_TASK_REQUEST = request_of(
    TaskBody,
    {
        "name": string(minLength=1, maxLength=255, pattern=NAME_RULE),
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
        "queue_limit": _QUEUE_LIMIT_IN,
    },
    required=["name", "command"],
)
_STEPS = array(
    closed({"task_ids": array(ref("Number"), examples=[["1", "2"]]), "name": string(examples=["load"])}),
    "In their order.",
    minItems=1,
)

SCHEMAS: Mapping[str, Schema] = {
    "ParameterRequest": request_of(
        ParameterBody,
        {"name": string(pattern=_PARAMETER_NAME), "default_value": _VALUE},
        required=["name"],
    ),
    "QueueLimitRequest": request_of(
        QueueLimitBody,
        {"executions": integer("0: 50.", minimum=0, maximum=10_000), "mode": _QUEUE_MODE, "count": _QUEUE_COUNT},
    ),
    "QueueLimit": closed(
        {
            "executions": integer(minimum=1, maximum=10_000, examples=[50]),
            "mode": _QUEUE_MODE,
            "count": _QUEUE_COUNT,
        },
        "How many executions of a task or plan may wait or run.",
    ),
    "TaskRequest": _TASK_REQUEST,
    "Task": closed(_TASK, "What a run executes. Events of its runs name it as `jobId`."),
    "CopyRequest": request_of(
        CopyBody, {"name": _SHORT | {"description": 'Empty or absent: the first one\'s and " copy".'}}
    ),
    "StepRequest": request_of(
        StepBody,
        {"task_ids": array(ref("NumberIn"), "Each once.", minItems=1, maxItems=100, uniqueItems=True), "name": _SHORT},
        required=["task_ids"],
    ),
    "PlanRequest": request_of(
        PlanBody,
        {
            "name": string(minLength=1, maxLength=255, pattern=NAME_RULE),
            "steps": array(ref("StepRequest"), "In their order.", minItems=1, maxItems=100),
            "failure_handler_task_id": or_null(ref("NumberOrZeroIn"), "Runs after a failure. Null, 0 or absent: none."),
            "timeout_seconds": {
                "type": ["integer", "null"],
                "description": "How long an execution may take in all. Null or absent: a day.",
                "minimum": 60,
                "maximum": 86_400,
            },
            "allow_parallel_runs": boolean("Whether two executions of it may go on at once."),
            "queue_limit": _QUEUE_LIMIT_IN,
        },
        required=["name", "steps"],
    ),
    "Plan": closed(
        {
            "plan_id": ref("Number"),
            "account_id": ref("Number"),
            "name": string(minLength=1, examples=["nightly"]),
            "steps": _STEPS,
            "failure_handler_task_id": or_null(ref("Number"), "Null: none."),
            "timeout_seconds": _TIMEOUT,
            "allow_parallel_runs": boolean(),
            "queue_limit": ref("QueueLimit"),
            "paused": boolean("As for a task."),
            "etag": ETAG,
            "created_at": ref("Time"),
        },
        "Ordered steps of tasks. A step starts when every run of the one before has succeeded; its tasks run in parallel.",
    ),
}
_TASK_EXAMPLE = {"name": "Load orders", "command": "dbt-build", "parameters": [{"name": "resource_webhook_payload"}]}
_PLAN_EXAMPLE = {"name": "nightly", "steps": [{"task_ids": ["1", "2"]}, {"task_ids": ["3"]}]}


_CHANGED = (
    "What is not sent is the default. What waits or runs goes on with what it was made with. 409 when a webhook would lose the "
    "parameter `resource_webhook_payload` (reason `WEBHOOK_NEEDS_PARAMETER`), or when its open window holds more than a "
    "task of kind `big_data` takes (`WINDOW_TOO_LARGE`)."
)


def _making(noun: str, name: str, query: type[PageQuery], example: object, made: str) -> tuple[Operation, ...]:
    one = f"{ACCOUNT}/{noun}s/{{{noun}_id}}"
    return (
        Operation(
            method="post",
            path=f"{ACCOUNT}/{noun}s",
            id=f"create{name}",
            summary=f"Make a {noun}",
            description=made,
            body=json_body(ref(f"{name}Request"), example),
            answers={201: versioned(f"The {noun}.", ref(name))},
        ),
        Operation(
            method="get",
            path=f"{ACCOUNT}/{noun}s",
            id=f"list{name}s",
            summary=f"List {noun}s",
            description="In the order of their making.",
            query=parameters_of(query, {**_PAGE, f"{noun}_ids": _NAMED}),
            answers={
                200: answer(
                    "A page.",
                    closed({f"{noun}s": array(ref(name), maxItems=100), "next_page_token": ref("NextPageToken")}),
                )
            },
        ),
        Operation(
            method="get",
            path=one,
            id=f"get{name}",
            summary=f"Read a {noun}",
            answers={200: versioned(f"The {noun}.", ref(name))},
        ),
    )


def _changing(noun: str, name: str, example: object, deleted: str) -> tuple[Operation, ...]:
    one = f"{ACCOUNT}/{noun}s/{{{noun}_id}}"
    return (
        Operation(
            method="put",
            path=one,
            id=f"update{name}",
            summary=f"Replace a {noun}",
            description=_CHANGED,
            query=(IF_MATCH,),
            body=json_body(ref(f"{name}Request"), example),
            answers={200: versioned(f"The {noun}.", ref(name))},
            errors=(409, 412),
        ),
        Operation(
            method="delete",
            path=one,
            id=f"delete{name}",
            summary=f"Delete a {noun}",
            description=deleted,
            answers={204: NO_CONTENT},
            errors=(409,),
        ),
        Operation(
            method="post",
            path=f"{one}/copy",
            id=f"copy{name}",
            summary=f"Copy a {noun}",
            description="Without its triggers.",
            body=json_body(ref("CopyRequest"), {"name": "another"}, required=False),
            answers={201: versioned("The copy.", ref(name))},
        ),
    )


OPERATIONS = (
    *_making("task", "Task", TasksQuery, _TASK_EXAMPLE, ""),
    *_changing(
        "task",
        "Task",
        _TASK_EXAMPLE,
        "409 while a trigger, a plan or an unfinished execution needs it (reason `TASK_IN_USE`).",
    ),
    *_making("plan", "Plan", PlansQuery, _PLAN_EXAMPLE, "400 names tasks that are not there."),
    *_changing(
        "plan",
        "Plan",
        _PLAN_EXAMPLE,
        "409 while a trigger or an unfinished execution needs it (reason `PLAN_IN_USE`).",
    ),
)
