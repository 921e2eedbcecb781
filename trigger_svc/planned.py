"""What a plan must be: ordered steps of tasks; every bad field is named at once. What a plan does is in plan.py."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chassis.errors import BadField
from trigger_svc.task import LONGEST_NAME, LONGEST_TIMEOUT, SHORTEST_TIMEOUT, USUAL_LIMIT, QueueLimit, bad_queue_limit

MOST_STEPS = 100
MOST_TASKS_OF_A_STEP = 100
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Tasks that run in parallel; the name is for people."""

    task_ids: tuple[int, ...]
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlan:
    """A plan as asked for, defaults filled in. The timeout is in seconds and must be whole; handler 0 is none."""

    account_id: int
    name: str
    steps: tuple[Step, ...]
    failure_handler_task_id: int = 0
    timeout_seconds: float = 86_400.0
    allow_parallel_runs: bool = False
    queue_limit: QueueLimit = USUAL_LIMIT

    @property
    def task_ids(self) -> frozenset[int]:
        """All that it names, the failure handler too."""
        named = {task_id for step in self.steps for task_id in step.task_ids} | {self.failure_handler_task_id}
        return frozenset(named - {0})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(NewPlan):
    """A plan as stored; tasks of a step in the order of their ids. `version` rises with every change."""

    plan_id: int
    paused: bool
    version: int
    created_at: datetime


def bad_fields(plan: NewPlan) -> list[BadField]:
    """Every broken rule, with paths such as plan.steps[1].task_ids[0]; empty when the plan is good."""
    return [*_bad_values(plan), *_bad_steps(plan.steps), *bad_queue_limit("plan", plan.queue_limit)]


def missing_tasks(plan: NewPlan, known: frozenset[int]) -> list[BadField]:
    """The places that name tasks which are not among the account's."""
    bad = [
        BadField(f"plan.steps[{place}].task_ids[{number}]", f"the account has no task {task_id}")
        for place, step in enumerate(plan.steps)
        for number, task_id in enumerate(step.task_ids)
        if task_id not in known
    ]
    if plan.failure_handler_task_id and plan.failure_handler_task_id not in known:
        bad.append(BadField("plan.failure_handler_task_id", f"the account has no task {plan.failure_handler_task_id}"))
    return bad


def _bad_values(plan: NewPlan) -> Iterator[BadField]:
    if plan.account_id < 1:
        yield BadField("plan.account_id", "must be above 0")
    if not 1 <= len(plan.name) <= LONGEST_NAME or _CONTROL.search(plan.name):
        yield BadField("plan.name", f"must be 1 to {LONGEST_NAME} characters, none a control character")
    if plan.failure_handler_task_id < 0:
        yield BadField("plan.failure_handler_task_id", "must be above 0, or 0 for none")
    if plan.timeout_seconds != int(plan.timeout_seconds):
        yield BadField("plan.timeout", "must be whole seconds")
    elif not SHORTEST_TIMEOUT <= plan.timeout_seconds <= LONGEST_TIMEOUT:
        yield BadField("plan.timeout", "must be 1 minute to 24 hours")


def _bad_steps(steps: tuple[Step, ...]) -> Iterator[BadField]:
    if not 1 <= len(steps) <= MOST_STEPS:
        yield BadField("plan.steps", f"must be 1 to {MOST_STEPS}")
    for place, step in enumerate(steps):
        path = f"plan.steps[{place}]"
        if len(step.name) > LONGEST_NAME or _CONTROL.search(step.name):
            yield BadField(f"{path}.name", f"must be at most {LONGEST_NAME} characters, none a control character")
        if not 1 <= len(step.task_ids) <= MOST_TASKS_OF_A_STEP:
            yield BadField(f"{path}.task_ids", f"must be 1 to {MOST_TASKS_OF_A_STEP}")
        seen: set[int] = set()
        for number, task_id in enumerate(step.task_ids):
            if task_id < 1:
                yield BadField(f"{path}.task_ids[{number}]", "must be above 0")
            elif task_id in seen:
                yield BadField(f"{path}.task_ids[{number}]", "stands here twice: name every task of a step once")
            seen.add(task_id)
