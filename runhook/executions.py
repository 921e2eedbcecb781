"""Executions: what closed windows, schedules and hands set going, each with its runs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import uuid4

from runhook.connection import Connection
from runhook.paging import pages
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.execution_pb2 import Execution, ExecutionState
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceStub

if TYPE_CHECKING:
    from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceAsyncStub

UNFINISHED = frozenset({ExecutionState.EXECUTION_STATE_PENDING, ExecutionState.EXECUTION_STATE_RUNNING})


class Executions:
    """Of tasks and plans: started by hand, looked at, executed again, cancelled."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> "TriggerServiceAsyncStub":
        return TriggerServiceStub(self._connection.channel)

    async def start(
        self,
        account_id: int,
        *,
        task_id: int = 0,
        plan_id: int = 0,
        parameters: Mapping[str, str] | None = None,
        payload: str = "",
        reason: str = "",
        request_id: str = "",
    ) -> Execution:
        """Starts a task or a plan by hand; REJECTED when its queue limit says so. NotFound; ResourceExhausted, "QUEUE_LIMIT".

        `payload` is the value of `resource_webhook_payload`, less than 8 MiB. A start that comes again within a day with the
        same `request_id` gets the same execution; the default is a random one, so that the client may repeat the call.
        """
        request = pb.StartExecutionRequest(
            account_id=account_id,
            task_id=task_id,
            plan_id=plan_id,
            parameters=parameters,
            payload=payload.encode(),
            reason=reason,
            request_id=request_id or uuid4().hex,
        )
        return (await self._connection.call(self._stub.StartExecution, request, repeatable=True)).execution

    async def get(self, account_id: int, execution_id: str) -> Execution:
        """One execution with its runs. NotFound."""
        request = pb.GetExecutionRequest(account_id=account_id, execution_id=execution_id)
        return (await self._connection.call(self._stub.GetExecution, request, repeatable=True)).execution

    async def list(
        self,
        account_id: int,
        *,
        task_id: int = 0,
        plan_id: int = 0,
        trigger_id: str = "",
        window_id: int = 0,
        state: ExecutionState.ValueType = ExecutionState.EXECUTION_STATE_UNSPECIFIED,
        page_size: int = 0,
    ) -> AsyncIterator[Execution]:
        """An account's, newest first, each with its runs: those for which all holds that is given."""

        async def fetch(page_token: str) -> pb.ListExecutionsResponse:
            request = pb.ListExecutionsRequest(
                account_id=account_id,
                task_id=task_id,
                plan_id=plan_id,
                trigger_id=trigger_id,
                window_id=window_id,
                state=state,
                page_size=page_size,
                page_token=page_token,
            )
            return await self._connection.call(self._stub.ListExecutions, request, repeatable=True)

        async for page in pages(fetch):
            for execution in page.executions:
                yield execution

    async def rerun(self, account_id: int, execution_id: str, *, from_failed_step: bool = False) -> Execution:
        """Executes a finished one again with the identical payload. FailedPrecondition, "NOT_FINISHED". NotFound."""
        request = pb.RerunExecutionRequest(
            account_id=account_id, execution_id=execution_id, from_failed_step=from_failed_step
        )
        return (await self._connection.call(self._stub.RerunExecution, request, repeatable=False)).execution

    async def cancel(self, account_id: int, execution_id: str) -> Execution:
        """What waits never starts, what runs is killed. FailedPrecondition, "FINISHED". NotFound."""
        request = pb.CancelExecutionRequest(account_id=account_id, execution_id=execution_id)
        return (await self._connection.call(self._stub.CancelExecution, request, repeatable=True)).execution

    async def payload(self, account_id: int, execution_id: str) -> bytes:
        """The value of `resource_webhook_payload` as its runs get it, in UTF-8. NotFound."""
        request = pb.GetExecutionPayloadRequest(account_id=account_id, execution_id=execution_id)
        return await self._connection.download(self._stub.GetExecutionPayload, request)

    async def wait(self, account_id: int, execution_id: str, *, interval: float = 1.0) -> Execution:
        """One once it has ended, looked at every `interval` seconds. For an end of its own: `asyncio.timeout`. NotFound."""
        while (found := await self.get(account_id, execution_id)).state in UNFINISHED:  # noqa: ASYNC110 - nobody tells when
            await asyncio.sleep(interval)
        return found
