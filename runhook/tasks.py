"""Tasks: what runs execute. They are messages: make one, read one, change what is to change, update."""

from collections.abc import AsyncIterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from runhook.connection import Connection
from runhook.paging import pages
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.task_pb2 import Task
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceStub

if TYPE_CHECKING:
    from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceAsyncStub


class Tasks:
    """A command that the runner's operator has named, with its slots, parameters and limits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> "TriggerServiceAsyncStub":
        return TriggerServiceStub(self._connection.channel)

    async def create(self, task: Task) -> Task:
        """Makes a task; its output-only fields are ignored. InvalidInput."""
        request = pb.CreateTaskRequest(task=task)
        return (await self._connection.call(self._stub.CreateTask, request, repeatable=False)).task

    async def get(self, account_id: int, task_id: int) -> Task:
        """One task. NotFound."""
        request = pb.GetTaskRequest(account_id=account_id, task_id=task_id)
        return (await self._connection.call(self._stub.GetTask, request, repeatable=True)).task

    async def list(self, account_id: int, *, task_ids: Sequence[int] = (), page_size: int = 0) -> AsyncIterator[Task]:
        """An account's, oldest first; of those named, at most 100, if any are. InvalidInput."""

        async def fetch(page_token: str) -> pb.ListTasksResponse:
            request = pb.ListTasksRequest(
                account_id=account_id, task_ids=task_ids, page_size=page_size, page_token=page_token
            )
            return await self._connection.call(self._stub.ListTasks, request, repeatable=True)

        async for page in pages(fetch):
            for task in page.tasks:
                yield task

    async def update(self, task: Task) -> Task:
        """Replaces its configuration as a whole; what waits or runs goes on as it was made.

        FailedPrecondition, "ETAG_MISMATCH", when it has changed since `task` was read: clear `etag` to insist.
        """
        request = pb.UpdateTaskRequest(task=task)
        return (await self._connection.call(self._stub.UpdateTask, request, repeatable=not task.etag)).task

    async def delete(self, account_id: int, task_id: int) -> None:
        """Deletes a task. FailedPrecondition, "TASK_IN_USE", while something needs it. NotFound when it is gone already."""
        request = pb.DeleteTaskRequest(account_id=account_id, task_id=task_id)
        await self._connection.call(self._stub.DeleteTask, request, repeatable=False)

    async def copy(self, account_id: int, task_id: int, *, name: str = "") -> Task:
        """Makes a copy without its triggers; its name is the first one's and " copy" unless one is given."""
        request = pb.CopyTaskRequest(account_id=account_id, task_id=task_id, name=name)
        return (await self._connection.call(self._stub.CopyTask, request, repeatable=False)).task

    async def pause(self, account_id: int, task_id: int) -> Task:
        """From now on calls are taken and windows close, but executions wait."""
        return await self._pause(account_id, task_id, paused=True)

    async def resume(self, account_id: int, task_id: int) -> Task:
        """What waited goes on, in its order."""
        return await self._pause(account_id, task_id, paused=False)

    async def _pause(self, account_id: int, task_id: int, *, paused: bool) -> Task:
        request = pb.PauseTaskRequest(account_id=account_id, task_id=task_id, paused=paused)
        return (await self._connection.call(self._stub.PauseTask, request, repeatable=True)).task
