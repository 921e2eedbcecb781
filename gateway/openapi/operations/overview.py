"""Overviews: what an account's deliveries and triggers do, at a glance."""

from collections.abc import Mapping
from typing import Any

from gateway.openapi.operation import Operation, answer
from gateway.openapi.schema import Schema, array, boolean, closed, integer, number, one_of, or_null, ref, string

TAG = "Overview"
ACCOUNT = "/api/v1/accounts/{account_id}"
_COUNT: dict[str, Any] = {"minimum": 0, "examples": [0]}
_TIME_OR_NULL = or_null(ref("Time"))
_NAME = string(examples=["orders"])
_WHY = string("In one sentence, for people.", examples=["The endpoint answered 500 to the last of 6 attempts."])
_WAITED = or_null(ref("Time"), "Since when the first of these waits. Null: none does.")
_ANSWER = number("In seconds. Null: there was no answer.", minimum=0, examples=[0.031])
_POD: Mapping[str, Schema] = {"name": _NAME, "started_at": ref("Time"), "heartbeat_at": ref("Time")}

SCHEMAS: Mapping[str, Schema] = {
    "OverviewSlice": closed(
        {
            "started_at": ref("Time"),
            "succeeded": integer(**_COUNT),
            "failed": integer(**_COUNT),
            "cancelled": integer(**_COUNT),
            "answer_p50_seconds": or_null(_ANSWER, "Half of the last attempts were answered within it."),
            "answer_p95_seconds": or_null(_ANSWER, "95 of 100 were."),
        },
        "What became of the deliveries of a span of time.",
    ),
    "DeliveryOverview": closed(
        {
            "taken_at": ref("Time"),
            "since": ref("Time", "Counted are deliveries of events published from then on."),
            "whole_hour": boolean(
                "Whether that is an hour. Else there were too many, and the newest 1,500 or so are counted."
            ),
            "total": ref("OverviewSlice"),
            "slice_seconds": integer("How long a slice is: 60 when it is the whole hour.", minimum=1, maximum=60),
            "slices": array(
                ref("OverviewSlice"), "By when events were published; empty ones are left out.", maxItems=61
            ),
            "due_count": integer("Due, and in the hands of no pod; counted up to 10,000.", **_COUNT),
            "oldest_due_at": _WAITED,
            "subscription_count": integer("Counted up to 1,000.", **_COUNT),
            "trouble_count": integer(
                "How many of them are deactivated, or held back since their endpoint fails.", **_COUNT
            ),
            "troubles": array(
                closed(
                    {
                        "subscription_id": ref("WebhookId"),
                        "name": _NAME,
                        "deactivate_reason": string("Empty: it was not deactivated.", examples=[""]),
                        "held_until": or_null(ref("Time"), "Until when nothing is sent. Null: it is not held back."),
                        "failing_since": _TIME_OR_NULL,
                        "last_status_code": integer("0: there never was an answer.", minimum=0, examples=[503]),
                    }
                ),
                maxItems=20,
            ),
            "losses": array(
                closed(
                    {
                        "delivery_id": ref("Number"),
                        "event_id": ref("EventId"),
                        "event_type": string(examples=["job.run.completed"]),
                        "subscription_id": ref("WebhookId"),
                        "subscription_name": _NAME,
                        "state": one_of("FAILED", "CANCELLED"),
                        "reason": string(examples=["retries_exhausted"]),
                        "explanation": _WHY,
                        "attempt_count": integer(**_COUNT),
                        "test": boolean(),
                        "created_at": ref("Time"),
                        "finished_at": ref("Time"),
                    }
                ),
                "Of the last day, the latest published first.",
                maxItems=10,
            ),
            "pods": array(closed(_POD), "Processes of delivery_svc that serve."),
        }
    ),
    "TriggerOverview": closed(
        {
            "taken_at": ref("Time"),
            "trigger_count": integer("Counted up to 1,000.", **_COUNT),
            "open_window_count": integer(**_COUNT),
            "open_windows": array(
                closed(
                    {
                        "trigger_id": ref("TriggerId"),
                        "trigger_name": _NAME,
                        "window_id": ref("Number"),
                        "size": integer("Calls that it holds.", minimum=1),
                        "threshold": integer("Calls that close it.", minimum=1),
                        "opened_at": ref("Time"),
                        "deadline_at": ref("Time"),
                    }
                ),
                "The one that ends soonest first.",
                maxItems=10,
            ),
            "pending_execution_count": integer("Counted up to 10,000.", **_COUNT),
            "oldest_pending_at": _WAITED,
            "running_execution_count": integer("Counted up to 10,000.", **_COUNT),
            "free_run_count": integer("Runs that wait for a runner, counted up to 10,000.", **_COUNT),
            "oldest_free_run_at": _WAITED,
            "running_run_count": integer(**_COUNT),
            "losses": array(
                closed(
                    {
                        "execution_id": ref("ExecutionId"),
                        "task_id": or_null(ref("Number")),
                        "plan_id": or_null(ref("Number")),
                        "target_name": string("Of the task or plan. Empty: it is gone.", examples=["Load orders"]),
                        "state": one_of("FAILED", "REJECTED"),
                        "reason": string(examples=["run_failed"]),
                        "explanation": _WHY,
                        "run_id": or_null(ref("Number"), "The run that failed."),
                        "created_at": ref("Time"),
                        "finished_at": ref("Time"),
                    }
                ),
                "Newest first.",
                maxItems=10,
            ),
            "pods": array(
                closed({**_POD, "runners": array(closed({"name": _NAME, "free_slots": integer(**_COUNT)}))}),
                "Processes of trigger_svc that serve, with the runners connected to each.",
            ),
        }
    ),
}

OPERATIONS = (
    Operation(
        method="get",
        path=f"{ACCOUNT}/overview/deliveries",
        id="getDeliveryOverview",
        summary="Look over an account's deliveries",
        description="The last hour, what is due, what is in trouble, what failed and who serves, at a cost that does not grow "
        "with the log.",
        answers={200: answer("As it is now.", ref("DeliveryOverview"))},
    ),
    Operation(
        method="get",
        path=f"{ACCOUNT}/overview/triggers",
        id="getTriggerOverview",
        summary="Look over an account's windows and executions",
        answers={200: answer("As it is now.", ref("TriggerOverview"))},
    ),
)
