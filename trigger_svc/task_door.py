"""The rpcs of TriggerService that configure tasks and plans: parse, call one verb, convert."""

from typing import Any

import asyncpg
import grpc

from chassis.caller import Callers
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceServicer
from trigger_svc import configure_plan, configure_task, convert_plan, convert_task, look_up, rights
from trigger_svc.create_task import create_task

Context = grpc.aio.ServicerContext[Any, Any]


class TaskDoor(TriggerServiceServicer):
    """A part of Servicer, which sets what is named here."""

    _pool: asyncpg.Pool
    _callers: Callers

    async def CreateTask(self, request: pb.CreateTaskRequest, context: Context) -> pb.CreateTaskResponse:
        """Makes a task."""
        await self._may_write_config(context, request.task.account_id)
        task = await create_task(self._pool, convert_task.new_task(request.task))
        return pb.CreateTaskResponse(task=convert_task.task(task))

    async def GetTask(self, request: pb.GetTaskRequest, context: Context) -> pb.GetTaskResponse:
        """Returns one task."""
        await self._may_read_config(context, request.account_id)
        task = await look_up.task(self._pool, request.account_id, request.task_id)
        return pb.GetTaskResponse(task=convert_task.task(task))

    async def ListTasks(self, request: pb.ListTasksRequest, context: Context) -> pb.ListTasksResponse:
        """Returns one page of tasks."""
        await self._may_read_config(context, request.account_id)
        found, next_page_token = await configure_task.list_tasks(
            self._pool,
            request.account_id,
            list(request.task_ids),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListTasksResponse(tasks=[convert_task.task(one) for one in found], next_page_token=next_page_token)

    async def UpdateTask(self, request: pb.UpdateTaskRequest, context: Context) -> pb.UpdateTaskResponse:
        """Replaces a task."""
        await self._may_write_config(context, request.task.account_id)
        wanted = convert_task.new_task(request.task)
        task = await configure_task.update_task(self._pool, request.task.task_id, wanted, etag=request.task.etag)
        return pb.UpdateTaskResponse(task=convert_task.task(task))

    async def DeleteTask(self, request: pb.DeleteTaskRequest, context: Context) -> pb.DeleteTaskResponse:
        """Deletes a task."""
        await self._may_write_config(context, request.account_id)
        await configure_task.delete_task(self._pool, request.account_id, request.task_id)
        return pb.DeleteTaskResponse()

    async def CopyTask(self, request: pb.CopyTaskRequest, context: Context) -> pb.CopyTaskResponse:
        """Copies a task."""
        await self._may_write_config(context, request.account_id)
        task = await configure_task.copy_task(self._pool, request.account_id, request.task_id, request.name)
        return pb.CopyTaskResponse(task=convert_task.task(task))

    async def CreatePlan(self, request: pb.CreatePlanRequest, context: Context) -> pb.CreatePlanResponse:
        """Makes a plan."""
        await self._may_write_config(context, request.plan.account_id)
        plan = await configure_plan.create_plan(self._pool, convert_plan.new_plan(request.plan))
        return pb.CreatePlanResponse(plan=convert_plan.plan(plan))

    async def GetPlan(self, request: pb.GetPlanRequest, context: Context) -> pb.GetPlanResponse:
        """Returns one plan."""
        await self._may_read_config(context, request.account_id)
        plan = await configure_plan.get_plan(self._pool, request.account_id, request.plan_id)
        return pb.GetPlanResponse(plan=convert_plan.plan(plan))

    async def ListPlans(self, request: pb.ListPlansRequest, context: Context) -> pb.ListPlansResponse:
        """Returns one page of plans."""
        await self._may_read_config(context, request.account_id)
        found, next_page_token = await configure_plan.list_plans(
            self._pool,
            request.account_id,
            list(request.plan_ids),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListPlansResponse(plans=[convert_plan.plan(one) for one in found], next_page_token=next_page_token)

    async def UpdatePlan(self, request: pb.UpdatePlanRequest, context: Context) -> pb.UpdatePlanResponse:
        """Replaces a plan."""
        await self._may_write_config(context, request.plan.account_id)
        wanted = convert_plan.new_plan(request.plan)
        plan = await configure_plan.update_plan(self._pool, request.plan.plan_id, wanted, etag=request.plan.etag)
        return pb.UpdatePlanResponse(plan=convert_plan.plan(plan))

    async def DeletePlan(self, request: pb.DeletePlanRequest, context: Context) -> pb.DeletePlanResponse:
        """Deletes a plan."""
        await self._may_write_config(context, request.account_id)
        await configure_plan.delete_plan(self._pool, request.account_id, request.plan_id)
        return pb.DeletePlanResponse()

    async def CopyPlan(self, request: pb.CopyPlanRequest, context: Context) -> pb.CopyPlanResponse:
        """Copies a plan."""
        await self._may_write_config(context, request.account_id)
        plan = await configure_plan.copy_plan(self._pool, request.account_id, request.plan_id, request.name)
        return pb.CopyPlanResponse(plan=convert_plan.plan(plan))

    async def _may_read_config(self, context: Context, account_id: int) -> None:
        (await self._callers.of(context)).require(account_id, rights.TRIGGERS_READ)

    async def _may_write_config(self, context: Context, account_id: int) -> None:
        (await self._callers.of(context)).require(account_id, rights.TRIGGERS_WRITE)
