"""Plans as their pages show them: pure functions of messages, names and the time."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from gateway.console.badge import Badge
from gateway.console.moment import Moment, moment
from gateway.console.names import Label, Names
from gateway.console.span import length
from gateway.console.tasks.queue_limit import count_of, mode_of, words_of
from gateway.console.tasks.view import ACTIVE, PAUSED, Parameter
from runhook.trigger.v1.plan_pb2 import Plan


class StepView(NamedTuple):
    """A step; `numbers` are its tasks as its form has them."""

    number: int
    name: str
    tasks: list[Label]
    numbers: str


@dataclass(frozen=True, kw_only=True)
class PlanView:
    """A plan; numbers of the form are text, `handler_key` is such as task:5.

    What a start by hand may give, its page adds from the tasks of the first step.
    """

    plan_id: int
    path: str
    name: str
    state: Badge
    paused: bool
    steps: list[StepView]
    handler: Label | None
    handler_key: str
    timeout: str
    timeout_seconds: str
    allow_parallel_runs: bool
    queue_words: str
    queue_executions: str
    queue_mode: str
    queue_count: str
    etag: str
    created: Moment | None
    parameters: list[Parameter] = field(default_factory=list)
    takes_calls: bool = False


def plan_view(plan: Plan, names: Names, now: datetime) -> PlanView:
    """A plan as it is now, or as a form asks for it."""
    limit, handler_id = plan.queue_limit, plan.failure_handler_task_id
    return PlanView(
        plan_id=plan.plan_id,
        path=f"/console/plans/{plan.plan_id}",
        name=plan.name,
        state=PAUSED if plan.paused else ACTIVE,
        paused=plan.paused,
        steps=[
            StepView(number, step.name, [names.task(one) for one in step.task_ids], ", ".join(map(str, step.task_ids)))
            for number, step in enumerate(plan.steps, 1)
        ],
        handler=names.task(handler_id) if handler_id else None,
        handler_key=f"task:{handler_id}" if handler_id else "",
        timeout=length(plan.timeout.seconds),
        timeout_seconds=str(plan.timeout.seconds or ""),
        allow_parallel_runs=plan.allow_parallel_runs,
        queue_words=words_of(limit),
        queue_executions=str(limit.executions or ""),
        queue_mode=mode_of(limit),
        queue_count=count_of(limit),
        etag=plan.etag,
        created=moment(plan.create_time, now),
    )


def task_ids_of(plan: Plan) -> set[int]:
    """All that it names."""
    return {one for step in plan.steps for one in step.task_ids} | {plan.failure_handler_task_id}
