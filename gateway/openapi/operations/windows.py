"""Windows of a trigger, and the calls in them."""

from collections.abc import Mapping

from gateway.api.windows import CallsQuery
from gateway.openapi.derived import parameters_of
from gateway.openapi.operation import Operation, answer
from gateway.openapi.operations.tasks import PAGE
from gateway.openapi.schema import Schema, array, closed, integer, one_of, or_null, ref, string

TAG = "Windows"
TRIGGER = "/api/v1/accounts/{account_id}/triggers/{trigger_id}"

SCHEMAS: Mapping[str, Schema] = {
    "StoredCall": closed(
        {
            "call_id": ref("CallId"),
            "sequence_number": ref("Number", "Its place among the trigger's calls, without a gap."),
            "window_id": ref("Number"),
            "media_type": string("As it was sent.", examples=["application/json"]),
            "size_bytes": integer(minimum=0, examples=[12]),
            "received_at": ref("Time"),
            "body_base64": {"type": ["string", "null"], "description": "Null: not asked for.", "examples": [None]},
        },
        "A call as it was taken.",
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
            "close_reason": one_of("", "threshold", "deadline", "bytes", "disabled", "flush"),
        },
        "The span that gathers a trigger's calls.",
    ),
}
OPERATIONS = (
    Operation(
        method="post",
        path=f"{TRIGGER}/flush",
        id="flushWindow",
        summary="Close the open window now",
        description="409 when none is open (reason `NO_OPEN_WINDOW`).",
        answers={
            200: answer(
                "The window and its execution.", closed({"window": ref("Window"), "execution_id": ref("ExecutionId")})
            )
        },
        errors=(409,),
    ),
    Operation(
        method="get",
        path=f"{TRIGGER}/windows",
        id="listWindows",
        summary="List a trigger's windows",
        description="Newest first, the open one among them.",
        query=PAGE,
        answers={
            200: answer(
                "A page.",
                closed({"windows": array(ref("Window"), maxItems=100), "next_page_token": ref("NextPageToken")}),
            )
        },
    ),
    Operation(
        method="get",
        path=f"{TRIGGER}/windows/{{window_id}}",
        id="getWindow",
        summary="Read a window",
        description="404 when the trigger has none of that number, or not any more (reason `WINDOW_NOT_FOUND`).",
        answers={200: answer("The window.", ref("Window"))},
    ),
    Operation(
        method="get",
        path=f"{TRIGGER}/windows/{{window_id}}/calls",
        id="listCalls",
        summary="List the calls of a window",
        description="In their order. A page with bodies is shorter when they are large.",
        query=[
            *PAGE,
            *(
                one
                for one in parameters_of(CallsQuery, {"with_bodies": one_of("true", "false")})
                if "page" not in one["name"]
            ),
        ],
        answers={
            200: answer(
                "A page.",
                closed({"calls": array(ref("StoredCall"), maxItems=100), "next_page_token": ref("NextPageToken")}),
            )
        },
    ),
)
