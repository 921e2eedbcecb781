"""The rpcs of TriggerService about executions and their runs, and about what holds them back: parse, call one verb, convert."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import grpc

from chassis.caller import Callers
from chassis.clock import DatabaseClock
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceServicer
from trigger_svc import convert, convert_plan, convert_task, look_up, rights
from trigger_svc.cancel import cancel
from trigger_svc.configure_plan import get_plan
from trigger_svc.pause import pause_plan, pause_task
from trigger_svc.read_payload import read_execution_payload
from trigger_svc.rerun import rerun
from trigger_svc.start_execution import start_execution

Context = grpc.aio.ServicerContext[Any, Any]


class ExecutionDoor(TriggerServiceServicer):
    """A part of Servicer, which sets what is named here. `_acquire` wakes that loop of this pod."""

    _pool: asyncpg.Pool
    _clock: DatabaseClock
    _callers: Callers
    _acquire: Callable[[], None]

    async def GetExecution(self, request: pb.GetExecutionRequest, context: Context) -> pb.GetExecutionResponse:
        """Returns one execution with its runs."""
        await self._may(context, request.account_id, rights.RUNS_READ)
        execution = await look_up.execution(self._pool, request.account_id, request.execution_id)
        return pb.GetExecutionResponse(execution=convert.execution(execution))

    async def ListExecutions(self, request: pb.ListExecutionsRequest, context: Context) -> pb.ListExecutionsResponse:
        """Returns one page of executions."""
        await self._may(context, request.account_id, rights.RUNS_READ)
        executions, next_page_token = await look_up.list_executions(
            self._pool,
            request.account_id,
            convert.wanted(request),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListExecutionsResponse(
            executions=[convert.execution(one) for one in executions], next_page_token=next_page_token
        )

    async def StartExecution(self, request: pb.StartExecutionRequest, context: Context) -> pb.StartExecutionResponse:
        """Starts a task or plan by hand."""
        await self._may(context, request.account_id, rights.RUNS_START)
        execution = await start_execution(self._pool, self._clock, convert.wish(request))
        self._acquire()
        return pb.StartExecutionResponse(execution=convert.execution(execution))

    async def RerunExecution(self, request: pb.RerunExecutionRequest, context: Context) -> pb.RerunExecutionResponse:
        """Executes again."""
        await self._may(context, request.account_id, rights.RUNS_START)
        execution = await rerun(
            self._pool,
            self._clock,
            request.account_id,
            request.execution_id,
            from_failed_step=request.from_failed_step,
        )
        self._acquire()
        return pb.RerunExecutionResponse(execution=convert.execution(execution))

    async def CancelExecution(self, request: pb.CancelExecutionRequest, context: Context) -> pb.CancelExecutionResponse:
        """Cancels an execution."""
        await self._may(context, request.account_id, rights.RUNS_START)
        execution = await cancel(self._pool, request.account_id, request.execution_id)
        self._acquire()
        return pb.CancelExecutionResponse(execution=convert.execution(execution))

    async def GetExecutionPayload(
        self, request: pb.GetExecutionPayloadRequest, context: Context
    ) -> AsyncIterator[pb.GetExecutionPayloadResponse]:
        """Streams a payload."""
        await self._may(context, request.account_id, rights.RUNS_READ)
        async for chunk in read_execution_payload(self._pool, request.account_id, request.execution_id):
            yield pb.GetExecutionPayloadResponse(chunk=chunk)

    async def GetRun(self, request: pb.GetRunRequest, context: Context) -> pb.GetRunResponse:
        """Returns one run."""
        await self._may(context, request.account_id, rights.RUNS_READ)
        run = await look_up.run(self._pool, request.account_id, request.run_id)
        return pb.GetRunResponse(run=convert.run(run))

    async def PauseTask(self, request: pb.PauseTaskRequest, context: Context) -> pb.PauseTaskResponse:
        """Pauses a task or resumes it."""
        await self._may(context, request.account_id, rights.TRIGGERS_WRITE)
        await pause_task(self._pool, request.account_id, request.task_id, paused=request.paused)
        self._acquire()
        task = await look_up.task(self._pool, request.account_id, request.task_id)
        return pb.PauseTaskResponse(task=convert_task.task(task))

    async def PausePlan(self, request: pb.PausePlanRequest, context: Context) -> pb.PausePlanResponse:
        """Pauses a plan or resumes it."""
        await self._may(context, request.account_id, rights.TRIGGERS_WRITE)
        await pause_plan(self._pool, request.account_id, request.plan_id, paused=request.paused)
        self._acquire()
        plan = await get_plan(self._pool, request.account_id, request.plan_id)
        return pb.PausePlanResponse(plan=convert_plan.plan(plan))

    async def _may(self, context: Context, account_id: int, permission_sets: frozenset[str]) -> None:
        (await self._callers.of(context)).require(account_id, permission_sets)
