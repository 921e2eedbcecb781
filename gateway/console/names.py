"""What the tasks and plans are called that a page names by number. Invariant: one that is gone is shown all the same."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from gateway.console.visit import ConsoleVisit
from gateway.http_errors import HttpError
from runhook.trigger.v1 import trigger_service_pb2 as pb

MOST = 50


class Label(NamedTuple):
    """A name, and where what it names is shown; no path for what is gone."""

    name: str
    path: str


class Names:
    """Names that were found, by number."""

    def __init__(self, tasks: dict[int, str], plans: dict[int, str]) -> None:
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
    """The names of these, at most 50 of each sort; further ones are shown by their numbers."""
    tasks, plans = (sorted({one for one in ids if one})[:MOST] for ids in (task_ids, plan_ids))
    found = await asyncio.gather(*(_task(visit, one) for one in tasks), *(_plan(visit, one) for one in plans))
    return Names(dict(zip(tasks, found, strict=False)), dict(zip(plans, found[len(tasks) :], strict=True)))


def _label(names: dict[int, str], number: int, noun: str) -> Label:
    name = names.get(number, f"{noun} {number}")
    return Label(name, f"/console/{noun}s/{number}") if name else Label(f"{noun} {number}, which is gone", "")


async def _task(visit: ConsoleVisit, task_id: int) -> str:
    request = pb.GetTaskRequest(account_id=visit.account_id, task_id=task_id)
    try:
        return (await visit.ask(visit.services.triggers.GetTask, request)).task.name
    except HttpError as error:
        return _gone(error)


async def _plan(visit: ConsoleVisit, plan_id: int) -> str:
    request = pb.GetPlanRequest(account_id=visit.account_id, plan_id=plan_id)
    try:
        return (await visit.ask(visit.services.triggers.GetPlan, request)).plan.name
    except HttpError as error:
        return _gone(error)


def _gone(error: HttpError) -> str:
    if error.status != 404:
        raise error
    return ""
