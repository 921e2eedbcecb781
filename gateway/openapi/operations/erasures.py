"""Erasing: bodies of events and of answers, out of the database for good."""

from collections.abc import Mapping

from gateway.api.erasures import EraseBody
from gateway.openapi.derived import request_of
from gateway.openapi.operation import Operation, answer, json_body
from gateway.openapi.schema import Schema, array, closed, integer, one_of, or_null, ref

TAG = "Erasing"
ERASURES = "/api/v1/accounts/{account_id}/erasures"

SCHEMAS: Mapping[str, Schema] = {
    "EraseRequest": request_of(
        EraseBody,
        {
            "event_id": or_null(ref("EventId"), "The event. Null or absent: all of the account's."),
            "published_before": or_null(
                ref("TimeIn"), "Without an event: those published before this time. Null or absent: now."
            ),
        },
    )
    | {"additionalProperties": False},
    "Erasure": closed(
        {
            "erasure_id": ref("Number"),
            "event_id": or_null(ref("EventId"), "Null: all of the account's."),
            "published_before": ref("Time"),
            "state": one_of("RUNNING", "FINISHED"),
            "erased": integer("How many events are without a body by it until now.", minimum=0, examples=[1]),
            "created_at": ref("Time"),
            "finished_at": or_null(ref("Time"), "Null until then."),
        }
    ),
}

OPERATIONS = (
    Operation(
        method="post",
        path=ERASURES,
        id="startErasure",
        summary="Erase stored bodies",
        description="Takes payloads, and what endpoints answered, out of the database, in the background. **It cannot be "
        "undone or cancelled.** That events were delivered, when and how, stays in the log. What was not delivered yet is "
        "CANCELLED (reason `erased`); what is under way is finished first. A key that is not known is refused here. 404 for an "
        "unknown event; 409 while another erasure of the whole account runs (reason `ERASURE_UNDER_WAY`). Backups of the "
        "database are its operator's to erase.",
        body=json_body(ref("EraseRequest"), {"event_id": "wev_2YBXZOLrb96DISR4AvppWEP0Cqu"}),
        answers={202: answer("The erasure.", ref("Erasure"))},
        errors=(409,),
    ),
    Operation(
        method="get",
        path=ERASURES,
        id="listErasures",
        summary="List the erasures of an account",
        description="Newest first.",
        answers={200: answer("All, up to 100.", closed({"erasures": array(ref("Erasure"), maxItems=100)}))},
    ),
    Operation(
        method="get",
        path=f"{ERASURES}/{{erasure_id}}",
        id="getErasure",
        summary="Read an erasure",
        answers={200: answer("The erasure as it is now.", ref("Erasure"))},
    ),
)
