"""What the tasks and plans are called that a page names by number. Invariant: one that is gone is shown all the same."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gateway.console.visit import ConsoleVisit
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.plan_pb2 import Plan
from runhook.trigger.v1.task_pb2 import Task

#: That a service is asked for at once.
MOST = 100


class Label(NamedTuple):
    """A name, and where what it names is shown; no path for what is gone."""

    name: str
    path: str


class Names:
    """Names that were found, by number; empty ones of what is gone."""

    def __init__(self, tasks: Mapping[int, str], plans: Mapping[int, str]) -> None:
        self._tasks = tasks
        self._plans = plans

    def task(self, task_id: int) -> Label:
        """A task."""
        return _label(self._tasks, task_id, "task")

    def plan(self, plan_id: int) -> Label:
        """A plan."""
        return _label(self._plans, plan_id, "plan")

    def target(self, task_id: int, plan_id: int) -> Label:
        """The plan where there is one, else the task."""
        return self.plan(plan_id) if plan_id else self.task(task_id)


async def names_of(visit: ConsoleVisit, task_ids: Iterable[int], plan_ids: Iterable[int] = ()) -> Names:
    """The names of these, at most 100 of each sort; further ones are shown by their numbers."""
    wanted_tasks, wanted_plans = _askable(task_ids), _askable(plan_ids)
    tasks, plans = await asyncio.gather(tasks_of(visit, wanted_tasks), _plans_of(visit, wanted_plans))
    return Names(
        dict.fromkeys(wanted_tasks, "") | {one.task_id: one.name for one in tasks},
        dict.fromkeys(wanted_plans, "") | {one.plan_id: one.name for one in plans},
    )


async def tasks_of(visit: ConsoleVisit, task_ids: Iterable[int]) -> Sequence[Task]:
    """Of these, at most 100, those that are there."""
    wanted = _askable(task_ids)
    if not wanted:  # a list of none would be one of all
        return ()
    request = pb.ListTasksRequest(account_id=visit.account_id, task_ids=wanted, page_size=MOST)
    return (await visit.ask(visit.services.triggers.ListTasks, request)).tasks


async def _plans_of(visit: ConsoleVisit, plan_ids: Iterable[int]) -> Sequence[Plan]:
    wanted = _askable(plan_ids)
    if not wanted:
        return ()
    request = pb.ListPlansRequest(account_id=visit.account_id, plan_ids=wanted, page_size=MOST)
    return (await visit.ask(visit.services.triggers.ListPlans, request)).plans


def _askable(ids: Iterable[int]) -> list[int]:
    return sorted({one for one in ids if one})[:MOST]


def _label(names: Mapping[int, str], number: int, noun: str) -> Label:
    name = names.get(number, f"{noun} {number}")
    return Label(name, f"/console/{noun}s/{number}") if name else Label(f"{noun} {number}, which is gone", "")
