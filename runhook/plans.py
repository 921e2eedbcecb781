"""Plans: ordered steps of tasks. They are messages: make one, read one, change what is to change, update."""

from collections.abc import AsyncIterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from runhook.connection import Connection
from runhook.paging import pages
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.plan_pb2 import Plan
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceStub

if TYPE_CHECKING:
    from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceAsyncStub


class Plans:
    """Steps one after the other, the tasks of a step in parallel, and maybe a task that runs after a failure."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> "TriggerServiceAsyncStub":
        return TriggerServiceStub(self._connection.channel)

    async def create(self, plan: Plan) -> Plan:
        """Makes a plan; its output-only fields are ignored. InvalidInput names tasks that are not there."""
        request = pb.CreatePlanRequest(plan=plan)
        return (await self._connection.call(self._stub.CreatePlan, request, repeatable=False)).plan

    async def get(self, account_id: int, plan_id: int) -> Plan:
        """One plan. NotFound."""
        request = pb.GetPlanRequest(account_id=account_id, plan_id=plan_id)
        return (await self._connection.call(self._stub.GetPlan, request, repeatable=True)).plan

    async def list(self, account_id: int, *, plan_ids: Sequence[int] = (), page_size: int = 0) -> AsyncIterator[Plan]:
        """An account's, oldest first; of those named, at most 100, if any are. InvalidInput."""

        async def fetch(page_token: str) -> pb.ListPlansResponse:
            request = pb.ListPlansRequest(
                account_id=account_id, plan_ids=plan_ids, page_size=page_size, page_token=page_token
            )
            return await self._connection.call(self._stub.ListPlans, request, repeatable=True)

        async for page in pages(fetch):
            for plan in page.plans:
                yield plan

    async def update(self, plan: Plan) -> Plan:
        """Replaces its configuration as a whole; what waits or runs goes on as it was made.

        FailedPrecondition, "ETAG_MISMATCH", when it has changed since `plan` was read: clear `etag` to insist.
        """
        request = pb.UpdatePlanRequest(plan=plan)
        return (await self._connection.call(self._stub.UpdatePlan, request, repeatable=not plan.etag)).plan

    async def delete(self, account_id: int, plan_id: int) -> None:
        """Deletes a plan. FailedPrecondition, "PLAN_IN_USE", while something needs it. NotFound when it is gone already."""
        request = pb.DeletePlanRequest(account_id=account_id, plan_id=plan_id)
        await self._connection.call(self._stub.DeletePlan, request, repeatable=False)

    async def copy(self, account_id: int, plan_id: int, *, name: str = "") -> Plan:
        """Makes a copy without its triggers; its name is the first one's and " copy" unless one is given."""
        request = pb.CopyPlanRequest(account_id=account_id, plan_id=plan_id, name=name)
        return (await self._connection.call(self._stub.CopyPlan, request, repeatable=False)).plan

    async def pause(self, account_id: int, plan_id: int) -> Plan:
        """From now on calls are taken and windows close, but executions wait."""
        return await self._pause(account_id, plan_id, paused=True)

    async def resume(self, account_id: int, plan_id: int) -> Plan:
        """What waited goes on, in its order."""
        return await self._pause(account_id, plan_id, paused=False)

    async def _pause(self, account_id: int, plan_id: int, *, paused: bool) -> Plan:
        request = pb.PausePlanRequest(account_id=account_id, plan_id=plan_id, paused=paused)
        return (await self._connection.call(self._stub.PausePlan, request, repeatable=True)).plan
