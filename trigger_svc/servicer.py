"""TriggerService: parse, call one verb, convert. Invariant: who may not call learns and changes nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import grpc

from chassis.caller import Callers
from chassis.clock import DatabaseClock
from chassis.keyring import KeyRing
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceServicer
from trigger_svc import convert, look_up, rights
from trigger_svc.call_stream import CallStream
from trigger_svc.create_task import create_task
from trigger_svc.create_trigger import create_trigger
from trigger_svc.receive import Receiver

Context = grpc.aio.ServicerContext[Any, Any]


class Servicer(TriggerServiceServicer):
    """Tasks, triggers, calls, and what they set going."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        callers: Callers,
        key_ring: KeyRing,
        clock: DatabaseClock,
        receiver: Receiver,
        draining: asyncio.Event,
    ) -> None:
        self._pool = pool
        self._callers = callers
        self._key_ring = key_ring
        self._clock = clock
        self._receiver = receiver
        self._draining = draining

    async def CreateTask(self, request: pb.CreateTaskRequest, context: Context) -> pb.CreateTaskResponse:
        """Makes a task."""
        await self._admit(context, request.task.account_id, rights.TRIGGERS_WRITE)
        task = await create_task(self._pool, convert.new_task(request.task))
        return pb.CreateTaskResponse(task=convert.task(task))

    async def GetTask(self, request: pb.GetTaskRequest, context: Context) -> pb.GetTaskResponse:
        """Returns one task."""
        await self._admit(context, request.account_id, rights.TRIGGERS_READ)
        task = await look_up.task(self._pool, request.account_id, request.task_id)
        return pb.GetTaskResponse(task=convert.task(task))

    async def CreateTrigger(self, request: pb.CreateTriggerRequest, context: Context) -> pb.CreateTriggerResponse:
        """Makes a webhook trigger; the only answer with its token."""
        await self._admit(context, request.trigger.account_id, rights.TRIGGERS_WRITE)
        made, token = await create_trigger(
            self._pool, self._key_ring, self._clock, convert.new_trigger(request.trigger)
        )
        return pb.CreateTriggerResponse(trigger=convert.trigger(made), token=token)

    async def GetTrigger(self, request: pb.GetTriggerRequest, context: Context) -> pb.GetTriggerResponse:
        """Returns one trigger with its newest window."""
        await self._admit(context, request.account_id, rights.TRIGGERS_READ)
        trigger, window = await look_up.trigger(self._pool, request.account_id, request.trigger_id)
        newest = None if window is None else convert.window(window)
        return pb.GetTriggerResponse(trigger=convert.trigger(trigger), newest_window=newest)

    async def ReceiveCalls(
        self, request_iterator: AsyncIterator[pb.ReceiveCallsRequest], context: Context
    ) -> AsyncIterator[pb.ReceiveCallsResponse]:
        """Takes calls in."""
        (await self._callers.of(context)).require_service()
        await context.send_initial_metadata(())  # tells the gateway at once that the stream leads somewhere
        async for answer in CallStream(self._receiver).answer_all(request_iterator, self._draining):
            yield answer

    async def GetExecution(self, request: pb.GetExecutionRequest, context: Context) -> pb.GetExecutionResponse:
        """Returns one execution with its runs."""
        await self._admit(context, request.account_id, rights.RUNS_READ)
        execution = await look_up.execution(self._pool, request.account_id, request.execution_id)
        return pb.GetExecutionResponse(execution=convert.execution(execution))

    async def ListExecutions(self, request: pb.ListExecutionsRequest, context: Context) -> pb.ListExecutionsResponse:
        """Returns one page of executions."""
        await self._admit(context, request.account_id, rights.RUNS_READ)
        executions, next_page_token = await look_up.list_executions(
            self._pool,
            request.account_id,
            task_id=request.task_id,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListExecutionsResponse(
            executions=[convert.execution(one) for one in executions], next_page_token=next_page_token
        )

    async def GetRun(self, request: pb.GetRunRequest, context: Context) -> pb.GetRunResponse:
        """Returns one run."""
        await self._admit(context, request.account_id, rights.RUNS_READ)
        run = await look_up.run(self._pool, request.account_id, request.run_id)
        return pb.GetRunResponse(run=convert.run(run))

    async def _admit(self, context: Context, account_id: int, permission_sets: frozenset[str]) -> None:
        (await self._callers.of(context)).require(account_id, permission_sets)
