"""What closed windows set going: executions and their runs."""

from collections.abc import Mapping

from gateway.api.executions import ExecutionsQuery
from gateway.numbers import LARGEST
from gateway.openapi.derived import parameters_of
from gateway.openapi.errors import ENVELOPE
from gateway.openapi.operation import Operation, answer, enveloped
from gateway.openapi.schema import Schema, array, boolean, closed, integer, one_of, or_null, ref, string

TAG = "Executions and runs"
ACCOUNT = "/api/v1/accounts/{account_id}"
_WHY = string("Why it did not succeed. Else empty.", examples=[""])
_TIME_OR_NULL = or_null(ref("Time"))

SCHEMAS: Mapping[str, Schema] = {
    "Execution": closed(
        {
            "execution_id": ref("ExecutionId"),
            "account_id": ref("Number"),
            "task_id": ref("Number"),
            "trigger_id": ref("TriggerId"),
            "window_id": ref("Number"),
            "state": one_of("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "REJECTED"),
            "reason": _WHY,
            "call_count": integer(minimum=1, examples=[3]),
            "runs": array(ref("Run"), "In the order of their making."),
            "created_at": ref("Time"),
            "finished_at": _TIME_OR_NULL,
        },
        "What one closed window set going.",
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
            "artifact_names": array(string(examples=["target/run_results.json"])),
            "created_at": ref("Time"),
            "started_at": _TIME_OR_NULL,
            "finished_at": _TIME_OR_NULL,
        },
        "One run of a task.",
    ),
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
        description="Newest first, each with its runs.",
        query=parameters_of(
            ExecutionsQuery,
            {
                "page_size": integer(
                    "How many at most. 0: 20. More than 100 is read as 100.", minimum=0, maximum=LARGEST, default=0
                ),
                "page_token": ref("PageToken"),
                "task_id": integer("Those of this task alone. 0: all.", minimum=0, maximum=LARGEST, default=0),
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
