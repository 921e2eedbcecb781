"""What closed windows, schedules and hands set going: executions and their runs."""

from collections.abc import Mapping

from gateway.api.executions import PAYLOAD, ExecutionsQuery, RerunBody, StartBody
from gateway.numbers import LARGEST
from gateway.openapi.derived import parameters_of, request_of
from gateway.openapi.errors import ENVELOPE, REQUEST_ID
from gateway.openapi.operation import Operation, answer, enveloped, json_body
from gateway.openapi.schema import Schema, array, boolean, closed, integer, one_of, or_null, ref, string

TAG = "Executions and runs"
ACCOUNT = "/api/v1/accounts/{account_id}"
_WHY = string("Why it did not succeed. Else empty.", examples=[""])
_TIME_OR_NULL = or_null(ref("Time"))
_DISPOSITION = {"Content-Disposition": {"required": True, "schema": {"type": "string"}}}

_EXECUTION_REQUEST: Schema = request_of(
    StartBody,
    {
        "task_id": ref("NumberOrZeroIn", "The task; it or `plan_id` must be there, and not both. 0: absent."),
        "plan_id": ref("NumberOrZeroIn", "The plan. 0: absent."),
        "parameters": {
            "type": "object",
            "description": "Values in place of the defaults of parameters that the tasks which start with it declare.",
            "additionalProperties": string(maxLength=4096),
        },
        "payload": string("The value of `resource_webhook_payload`, to the letter.", examples=['["any text"]']),
        "reason": string("Why, for people; goes out as `runReason`.", maxLength=255),
        "request_id": string(
            "Names this wish: sent again, it gets the same execution.", maxLength=128, pattern=r"^[\x21-\x7e]*$"
        ),
    },
)

SCHEMAS: Mapping[str, Schema] = {
    "Execution": closed(
        {
            "execution_id": ref("ExecutionId"),
            "account_id": ref("Number"),
            "task_id": or_null(ref("Number")),
            "plan_id": or_null(ref("Number")),
            "trigger_id": or_null(ref("TriggerId")),
            "window_id": or_null(ref("Number")),
            "cause": one_of("webhook", "once", "cron", "manual", "rerun"),
            "rerun_of": or_null(ref("ExecutionId")),
            "state": one_of("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "REJECTED"),
            "reason": _WHY,
            "step": integer("Of a plan: the step that it is at; 0 before the first.", minimum=0, examples=[0]),
            "call_count": integer("Calls in its payload.", minimum=0, examples=[3]),
            "payload_bytes": integer("0: it has none.", minimum=0, examples=[145]),
            "runs": array(ref("Run"), "In the order of their making."),
            "created_at": ref("Time"),
            "finished_at": _TIME_OR_NULL,
        },
        "What a closed window, a schedule or a hand set going.",
    ),
    "Run": closed(
        {
            "run_id": ref("Number"),
            "account_id": ref("Number"),
            "task_id": ref("Number"),
            "execution_id": ref("ExecutionId"),
            "state": one_of("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"),
            "reason": _WHY,
            "message": string("The runner's word on how it ended.", maxLength=1000, examples=[""]),
            "exit_code": {"type": ["integer", "null"], "examples": [0]},
            "step": {
                "type": ["integer", "null"],
                "description": "Of a plan: which of its steps it is part of; 0 is the failure handler.",
                "minimum": 0,
                "examples": [None],
            },
            "log_bytes": integer("How much of its log is kept.", minimum=0, examples=[1024]),
            "log_truncated": boolean("Whether it printed more than is kept."),
            "summary": {
                "type": ["object", "null"],
                "description": "What its command's preset made of the results, such as counts and failed nodes of dbt.",
                "examples": [None],
            },
            "artifact_names": array(string(examples=["run_results.json"])),
            "created_at": ref("Time"),
            "started_at": _TIME_OR_NULL,
            "finished_at": _TIME_OR_NULL,
        },
        "One run of a task.",
    ),
    "ExecutionRequest": _EXECUTION_REQUEST,
    "ClientRun": closed(
        {
            "id": integer(minimum=1, examples=[12345]),
            "account_id": integer(minimum=1, examples=[4711]),
            "job_definition_id": integer(minimum=1, examples=[123]),
            "job_id": integer(minimum=1, examples=[123]),
            "status": {"type": "integer", "enum": [1, 3, 10, 20, 30]},
            "status_humanized": one_of("Queued", "Running", "Success", "Error", "Cancelled"),
            "status_message": {"type": ["string", "null"], "minLength": 1, "examples": [None]},
            "created_at": ref("Time"),
            "started_at": _TIME_OR_NULL,
            "finished_at": _TIME_OR_NULL,
            "in_progress": boolean(),
            "is_complete": boolean(),
            "is_success": boolean(),
            "is_error": boolean(),
            "is_cancelled": boolean(),
        },
        "A run as receivers of `job.run.completed` know it.",
    ),
}

OPERATIONS = (
    Operation(
        method="get",
        path=f"{ACCOUNT}/executions",
        id="listExecutions",
        summary="List executions",
        description="Newest first, each with its runs: those for which all holds that is given.",
        query=parameters_of(
            ExecutionsQuery,
            {
                "page_size": integer(
                    "How many at most. 0: 20. More than 100 is read as 100.", minimum=0, maximum=LARGEST, default=0
                ),
                "page_token": ref("PageToken"),
                "task_id": integer(
                    "Of this task, not as part of a plan. 0: all.", minimum=0, maximum=LARGEST, default=0
                ),
                "plan_id": integer("Of this plan, and then of no task. 0: all.", minimum=0, maximum=LARGEST, default=0),
                "trigger_id": string(
                    "Of this trigger, with their reruns. Empty: all.", pattern=r"^(|trg_[0-9A-Za-z]{27})$", default=""
                ),
                "window_id": integer("Of this window. 0: all.", minimum=0, maximum=LARGEST, default=0),
                "state": one_of("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "REJECTED"),
            },
        ),
        answers={
            200: answer(
                "A page.",
                closed({"executions": array(ref("Execution"), maxItems=100), "next_page_token": ref("NextPageToken")}),
            )
        },
    ),
    Operation(
        method="get",
        path=f"{ACCOUNT}/executions/{{execution_id}}",
        id="getExecution",
        summary="Read an execution with its runs",
        answers={200: answer("The execution.", ref("Execution"))},
    ),
    Operation(
        method="post",
        path=f"{ACCOUNT}/executions",
        id="startExecution",
        summary="Start a task or plan",
        description="It counts towards the queue limit: beyond that it comes back REJECTED, in mode `reject` this is 429. "
        "404 when there is no such task or plan, 409 when the request id stands for another wish.",
        body=json_body(ref("ExecutionRequest"), {"task_id": "1", "reason": "by hand"}),
        answers={201: answer("The execution.", ref("Execution"))},
        errors=(404, 409),
    ),
    Operation(
        method="get",
        path=f"{ACCOUNT}/executions/{{execution_id}}/payload",
        id="getExecutionPayload",
        summary="Read an execution's payload",
        description="The value of `resource_webhook_payload` as its runs get it. 404 where it has none, 409 when it is past "
        "its retention.",
        answers={
            200: {
                "description": "The payload.",
                "headers": REQUEST_ID | _DISPOSITION,
                "content": {PAYLOAD: {"schema": {"type": "string"}}},
            }
        },
        errors=(409,),
    ),
    Operation(
        method="post",
        path=f"{ACCOUNT}/executions/{{execution_id}}/rerun",
        id="rerunExecution",
        summary="Execute again",
        description="With the identical payload. A plan runs as it is now from its first step, or as it was from the step that "
        "failed. It counts towards the queue limit: in mode `reject` this is 429 beyond it. 409 while the first is under way "
        "(reason `NOT_FINISHED`), where no step failed (`NO_FAILED_STEP`), and when its task or plan is gone "
        "(`TARGET_MISSING`) or its payload is past its retention (`PAYLOAD_GONE`).",
        body=json_body(
            request_of(RerunBody, {"from_failed_step": boolean("Of a plan: from the step that failed.")}),
            {"from_failed_step": False},
            required=False,
        ),
        answers={201: answer("The new execution.", ref("Execution"))},
        errors=(404, 409),
    ),
    Operation(
        method="post",
        path=f"{ACCOUNT}/executions/{{execution_id}}/cancel",
        id="cancelExecution",
        summary="Cancel an execution",
        description="What waits never starts; what runs is killed within seconds. Repeatable; 409 when it has ended otherwise.",
        answers={200: answer("The execution.", ref("Execution"))},
        errors=(409,),
    ),
    *(
        Operation(
            method="post",
            path=f"{ACCOUNT}/{what}s/{{{what}_id}}/{verb}",
            id=f"{verb}{what.capitalize()}",
            summary=f"{verb.capitalize()} a {what}",
            description="Paused, its executions wait; calls are taken and windows close. Repeatable.",
            answers={200: answer("Whether it is paused.", closed({f"{what}_id": ref("Number"), "paused": boolean()}))},
        )
        for what in ("task", "plan")
        for verb in ("pause", "resume")
    ),
    Operation(
        method="get",
        path=f"{ACCOUNT}/runs/{{run_id}}",
        id="getRun",
        summary="Read a run",
        answers={200: answer("The run.", ref("Run"))},
    ),
    Operation(
        method="get",
        path="/api/v2/accounts/{account_id}/runs/{run_id}",
        id="getRunV2",
        summary="Read a run as receivers of job.run.completed do",
        answers={200: enveloped(200, "The run.", ref("ClientRun"), is_success=True)},
        errors_as=ENVELOPE,
    ),
)
