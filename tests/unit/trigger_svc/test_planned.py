"""A bad plan is refused with every bad field named."""

from typing import Any

import pytest

from trigger_svc.planned import NewPlan, Step, bad_fields, missing_tasks
from trigger_svc.task import QueueLimit

STEPS = (Step(task_ids=(1, 2), name="load"), Step(task_ids=(2,)))


def new_plan(**changes: Any) -> NewPlan:
    """A good plan."""
    values: dict[str, Any] = {"account_id": 1, "name": "nightly", "steps": STEPS}
    return NewPlan(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"timeout_seconds": 60.0, "failure_handler_task_id": 1}, []),
        ({"steps": (Step(task_ids=tuple(range(1, 101))),) * 100}, []),
        ({"account_id": 0, "name": ""}, ["account_id", "name"]),
        ({"name": "a\nb"}, ["name"]),
        ({"failure_handler_task_id": -1}, ["failure_handler_task_id"]),
        ({"timeout_seconds": 59.0}, ["timeout"]),
        ({"timeout_seconds": 86_401.0}, ["timeout"]),
        ({"timeout_seconds": 60.5}, ["timeout"]),
        ({"steps": ()}, ["steps"]),
        ({"steps": (Step(task_ids=(1,)),) * 101}, ["steps"]),
        ({"steps": (Step(task_ids=()),)}, ["steps[0].task_ids"]),
        ({"steps": (Step(task_ids=(1,)), Step(task_ids=(1, 0, 1)))}, ["steps[1].task_ids[1]", "steps[1].task_ids[2]"]),
        ({"steps": (Step(task_ids=(1,), name="x" * 256),)}, ["steps[0].name"]),
        (
            {"queue_limit": QueueLimit(executions=10_001, mode="x", count="y")},
            ["queue_limit.executions", "queue_limit.mode", "queue_limit.count"],
        ),
    ],
)
def test_every_bad_field_is_named(changes: dict[str, Any], fields: list[str]) -> None:
    assert [bad.field for bad in bad_fields(new_plan(**changes))] == [f"plan.{field}" for field in fields]


def test_every_place_that_names_a_task_that_is_not_there_is_named() -> None:
    plan = new_plan(failure_handler_task_id=3)
    assert plan.task_ids == {1, 2, 3}
    assert missing_tasks(plan, frozenset({1, 2, 3})) == []
    assert [bad.field for bad in missing_tasks(plan, frozenset({1}))] == [
        "plan.steps[0].task_ids[1]",
        "plan.steps[1].task_ids[0]",
        "plan.failure_handler_task_id",
    ]
