"""TriggerService asked in few words: tasks, plans and triggers of one account, and how a call is refused."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest

from chassis.status import refusal_of
from runhook.trigger.v1 import plan_pb2, task_pb2, trigger_pb2
from runhook.trigger.v1 import trigger_service_pb2 as pb
from tests.support.trigger import ACCOUNT
from tests.support.trigger_service import METADATA, Service, task_message, trigger_message

#: Code, reason, bad fields.
Refused = tuple[grpc.StatusCode, str, list[str]]


class House:
    """The service: `house.GetTask(account_id=..., task_id=...)` asks with a request of these fields."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.pool = service.pool

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        rpc, message = getattr(self.service.triggers, name), getattr(pb, f"{name}Request")

        def ask(*, metadata: Any = METADATA, **fields: Any) -> Awaitable[Any]:
            calling: Awaitable[Any] = rpc(message(**fields), metadata=metadata)
            return calling

        return ask

    async def task(self, **changes: Any) -> task_pb2.Task:
        """Makes a task."""
        made: task_pb2.Task = (await self.CreateTask(task=task_message(**changes))).task
        return made

    async def plan(self, *steps: list[int], **changes: Any) -> plan_pb2.Plan:
        """Makes a plan of these tasks."""
        made: plan_pb2.Plan = (await self.CreatePlan(plan=plan_message(*steps, **changes))).plan
        return made

    async def webhook(self, **changes: Any) -> trigger_pb2.Trigger:
        """Makes a webhook."""
        made: trigger_pb2.Trigger = (await self.CreateTrigger(trigger=trigger_message(**changes))).trigger
        return made

    async def cron(self, expression: str = "0 3 * * *", **changes: Any) -> trigger_pb2.Trigger:
        """Makes a schedule."""
        made: trigger_pb2.Trigger = (await self.CreateTrigger(trigger=cron_message(expression, **changes))).trigger
        return made

    async def of(self, ask: str, trigger: trigger_pb2.Trigger, **fields: Any) -> Any:
        """Asks for something of a trigger."""
        return await getattr(self, ask)(account_id=ACCOUNT, trigger_id=trigger.trigger_id, **fields)


def plan_message(*steps: list[int], **changes: Any) -> plan_pb2.Plan:
    """A good plan on the wire."""
    values: dict[str, Any] = {
        "account_id": ACCOUNT,
        "name": "nightly",
        "steps": [plan_pb2.Step(task_ids=one) for one in steps],
    }
    return plan_pb2.Plan(**(values | changes))


def cron_message(expression: str = "0 3 * * *", **changes: Any) -> trigger_pb2.Trigger:
    """A good schedule on the wire; a target must be given."""
    schedule = trigger_pb2.CronSchedule(expression=expression, time_zone=changes.pop("time_zone", ""))
    values: dict[str, Any] = {
        "account_id": ACCOUNT,
        "name": "nightly",
        "kind": trigger_pb2.TRIGGER_KIND_CRON,
        "cron": schedule,
    }
    return trigger_pb2.Trigger(**(values | changes))


async def refused(calling: Awaitable[Any]) -> Refused:
    """How a call is refused: code, reason, bad fields."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await calling
    refusal = refusal_of(error.value)
    return refusal.code, refusal.reason, [bad.field for bad in refusal.fields]
