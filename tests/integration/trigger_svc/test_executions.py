"""Executions over real gRPC: started by hand, read, again, cancelled, paused; plans with runners that race."""

import asyncio
from typing import Any

import grpc
import pytest

from chassis.channel import service_metadata
from chassis.status import refusal_of
from runhook.trigger.v1 import execution_pb2, plan_pb2
from runhook.trigger.v1 import run_service_pb2 as run_pb
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.run_pb2 import RUN_STATE_CANCELLED, RUN_STATE_SUCCEEDED
from runhook.trigger.v1.task_pb2 import ContextParameter
from tests.support.trigger import ACCOUNT, call
from tests.support.trigger_service import METADATA, Service, task_message


async def _task(service: Service, **changes: Any) -> int:
    made = await service.triggers.CreateTask(pb.CreateTaskRequest(task=task_message(**changes)), metadata=METADATA)
    task_id: int = made.task.task_id
    return task_id


async def _plan(service: Service, *steps: list[int]) -> int:
    plan = plan_pb2.Plan(account_id=ACCOUNT, name="Nightly", steps=[plan_pb2.Step(task_ids=step) for step in steps])
    plan_id: int = (await service.triggers.CreatePlan(pb.CreatePlanRequest(plan=plan), metadata=METADATA)).plan.plan_id
    return plan_id


async def _start(service: Service, **wish: Any) -> execution_pb2.Execution:
    request = pb.StartExecutionRequest(account_id=ACCOUNT, **wish)
    return (await service.triggers.StartExecution(request, metadata=METADATA)).execution


async def _read(service: Service, execution_id: str) -> execution_pb2.Execution:
    request = pb.GetExecutionRequest(account_id=ACCOUNT, execution_id=execution_id)
    return (await service.triggers.GetExecution(request, metadata=METADATA)).execution


async def _payload(service: Service, execution_id: str) -> list[bytes]:
    request = pb.GetExecutionPayloadRequest(account_id=ACCOUNT, execution_id=execution_id)
    return [part.chunk async for part in service.triggers.GetExecutionPayload(request, metadata=METADATA)]


async def test_a_start_by_hand_goes_through_runner_and_events_and_again_with_the_same_payload(
    trigger_svc: Service,
) -> None:
    parameters = [
        ContextParameter(name="resource_webhook_payload"),
        ContextParameter(name="day", default_value="today"),
    ]
    payload = b"x" * 600_000
    task_id = await _task(trigger_svc, parameters=parameters)
    started = await _start(trigger_svc, task_id=task_id, payload=payload, parameters={"day": "1"}, reason="a hunch")
    assert (started.cause, started.payload_bytes, started.window_id, started.trigger_id) == ("manual", 600_000, 0, "")
    async with trigger_svc.runner() as runner:
        lease = await runner.take()
        assert await trigger_svc.payload(lease) == payload
        order = await trigger_svc.start(lease)
        assert (dict(order.parameters), order.has_payload) == ({"day": "1"}, True)
        await trigger_svc.finish(lease, exit_code=1)
        [errored] = await trigger_svc.delivery.wait_for(f"run-{lease.run_id}-job.run.errored")
        assert errored.job_run.run_reason == "a hunch"
        request = pb.RerunExecutionRequest(account_id=ACCOUNT, execution_id=started.execution_id)
        again = (await trigger_svc.triggers.RerunExecution(request, metadata=METADATA)).execution
        assert (again.rerun_of, again.cause) == (started.execution_id, "rerun")
        assert await trigger_svc.payload(await runner.take()) == payload
    chunks = await _payload(trigger_svc, again.execution_id)
    assert (b"".join(chunks), max(len(chunk) for chunk in chunks)) == (payload, 256 * 1024)


async def test_a_plan_goes_through_two_runners_that_race_for_its_runs(trigger_svc: Service) -> None:
    tasks = [await _task(trigger_svc) for _ in range(3)]
    started = await _start(trigger_svc, plan_id=await _plan(trigger_svc, tasks, tasks[:1]))
    assert (started.task_id, started.step, [run.step for run in started.runs]) == (0, 0, [1, 1, 1])

    async def work(runs: int) -> list[int]:
        done = []
        async with trigger_svc.runner(slots=1) as runner:
            for _ in range(runs):
                lease = await runner.take()
                await trigger_svc.start(lease)
                await trigger_svc.finish(lease)
                done.append(lease.run_id)
                await runner.say(1)
        return done

    done = [run_id for some in await asyncio.gather(work(2), work(2)) for run_id in some]
    assert len(set(done)) == 4
    read = await _read(trigger_svc, started.execution_id)
    assert (read.state, read.step) == (execution_pb2.EXECUTION_STATE_SUCCEEDED, 2)
    assert [(run.step, run.state) for run in read.runs] == [(1, RUN_STATE_SUCCEEDED)] * 3 + [(2, RUN_STATE_SUCCEEDED)]


async def test_a_cancelled_run_is_killed_by_the_answer_to_its_runners_heartbeat(trigger_svc: Service) -> None:
    started = await _start(trigger_svc, task_id=await _task(trigger_svc))
    async with trigger_svc.runner() as runner:
        lease = await runner.take()
    await trigger_svc.start(lease)
    beat = run_pb.HeartbeatRunsRequest(leases=[lease])
    assert not (await trigger_svc.runs.HeartbeatRuns(beat, metadata=METADATA)).lost_run_ids
    request = pb.CancelExecutionRequest(account_id=ACCOUNT, execution_id=started.execution_id)
    for _ in range(2):
        cancelled = (await trigger_svc.triggers.CancelExecution(request, metadata=METADATA)).execution
        assert [run.state for run in cancelled.runs] == [RUN_STATE_CANCELLED]
    assert list((await trigger_svc.runs.HeartbeatRuns(beat, metadata=METADATA)).lost_run_ids) == [lease.run_id]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await trigger_svc.finish(lease)
    assert refusal_of(refused.value).reason == "LEASE_LOST"


async def test_a_paused_task_and_plan_hold_their_executions(trigger_svc: Service) -> None:
    trigger, token = await trigger_svc.trigger(threshold=1)
    plan_id = await _plan(trigger_svc, [trigger.task_id])
    for paused in (True, False):
        request = pb.PauseTaskRequest(account_id=ACCOUNT, task_id=trigger.task_id, paused=paused)
        assert (await trigger_svc.triggers.PauseTask(request, metadata=METADATA)).task.paused is paused
        request_ = pb.PausePlanRequest(account_id=ACCOUNT, plan_id=plan_id, paused=paused)
        assert (await trigger_svc.triggers.PausePlan(request_, metadata=METADATA)).plan.paused is paused
        if paused:
            [answer] = await trigger_svc.receive(call(token))
            assert answer.accepted.call_id
            await _start(trigger_svc, plan_id=plan_id)
            async with trigger_svc.runner() as runner:
                assert await runner.has_nothing()
    async with trigger_svc.runner() as runner:
        assert len({(await runner.take()).run_id for _ in range(2)}) == 2


async def test_what_may_not_be_done_is_refused_with_its_reason(trigger_svc: Service) -> None:
    started = await _start(trigger_svc, task_id=await _task(trigger_svc))
    rerun = pb.RerunExecutionRequest(account_id=ACCOUNT, execution_id=started.execution_id)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await trigger_svc.triggers.RerunExecution(rerun, metadata=METADATA)
    assert refusal_of(refused.value).reason == "NOT_FINISHED"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _start(trigger_svc, task_id=1, plan_id=1)
    assert [bad.field for bad in refusal_of(refused.value).fields] == ["task_id"]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _payload(trigger_svc, started.execution_id)
    assert refusal_of(refused.value).reason == "PAYLOAD_NOT_FOUND"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await trigger_svc.triggers.StartExecution(
            pb.StartExecutionRequest(account_id=ACCOUNT, task_id=1), metadata=service_metadata("another credential")
        )
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
