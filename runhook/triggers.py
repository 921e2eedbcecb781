"""The inbound half: tasks, the triggers that start them, and the executions that came of it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from runhook.connection import Connection
from runhook.paging import pages
from runhook.timestamps import duration_of
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.execution_pb2 import Execution
from runhook.trigger.v1.run_pb2 import Run
from runhook.trigger.v1.task_pb2 import Task
from runhook.trigger.v1.trigger_pb2 import Trigger
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceStub

if TYPE_CHECKING:
    from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceAsyncStub


class Triggers:
    """Secret URLs that turn calls into executions of a task."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> "TriggerServiceAsyncStub":
        return TriggerServiceStub(self._connection.channel)

    async def create_task(self, task: Task) -> Task:
        """Makes a task; its output-only fields are ignored."""
        request = pb.CreateTaskRequest(task=task)
        return (await self._connection.call(self._stub.CreateTask, request, repeatable=False)).task

    async def get_task(self, account_id: int, task_id: int) -> Task:
        """One task. NotFound."""
        request = pb.GetTaskRequest(account_id=account_id, task_id=task_id)
        return (await self._connection.call(self._stub.GetTask, request, repeatable=True)).task

    async def create(
        self,
        account_id: int,
        *,
        name: str,
        task_id: int,
        threshold: int,
        duration: timedelta,
    ) -> pb.CreateTriggerResponse:
        """Makes a trigger; the answer's `token` is shown this once, and its URL is `<public url>/t/<token>`.

        A window closes with its `threshold`-th call, or so long after its first one.
        """
        wanted = Trigger(
            account_id=account_id,
            name=name,
            task_id=task_id,
            threshold=threshold,
            duration=duration_of(duration),
        )
        request = pb.CreateTriggerRequest(trigger=wanted)
        return await self._connection.call(self._stub.CreateTrigger, request, repeatable=False)

    async def get(self, account_id: int, trigger_id: str) -> pb.GetTriggerResponse:
        """One trigger with its newest window. NotFound."""
        request = pb.GetTriggerRequest(account_id=account_id, trigger_id=trigger_id)
        return await self._connection.call(self._stub.GetTrigger, request, repeatable=True)

    async def get_execution(self, account_id: int, execution_id: str) -> Execution:
        """One execution with its runs. NotFound."""
        request = pb.GetExecutionRequest(account_id=account_id, execution_id=execution_id)
        answer = await self._connection.call(self._stub.GetExecution, request, repeatable=True)
        return answer.execution

    async def list_executions(
        self, account_id: int, *, task_id: int = 0, page_size: int = 0
    ) -> AsyncIterator[Execution]:
        """An account's executions, newest first, each with its runs; of one task where `task_id` is given."""

        async def fetch(page_token: str) -> pb.ListExecutionsResponse:
            request = pb.ListExecutionsRequest(
                account_id=account_id, task_id=task_id, page_size=page_size, page_token=page_token
            )
            return await self._connection.call(self._stub.ListExecutions, request, repeatable=True)

        async for page in pages(fetch):
            for execution in page.executions:
                yield execution

    async def get_run(self, account_id: int, run_id: int) -> Run:
        """One run. NotFound."""
        request = pb.GetRunRequest(account_id=account_id, run_id=run_id)
        return (await self._connection.call(self._stub.GetRun, request, repeatable=True)).run
