"""Runs from a closed window to their last event, over real gRPC."""

import json
from typing import Any

import grpc
import pytest

from chassis.status import refusal_of
from runhook.delivery.v1 import event_pb2
from runhook.trigger.v1 import run_service_pb2 as run_pb
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.run_pb2 import RUN_STATE_FAILED, RUN_STATE_SUCCEEDED, Run, RunLease
from runhook.trigger.v1.task_pb2 import ContextParameter
from tests.support.trigger import ACCOUNT, call
from tests.support.trigger_service import METADATA, Service


async def test_a_window_becomes_one_run_with_its_payload_and_its_events(trigger_svc: Service) -> None:
    trigger, token = await trigger_svc.trigger(task={"slots": {"target": "prod"}, "dbt_version": "1.11.0"})
    await trigger_svc.receive(call(token, '{"n": "ü"}'.encode()), call(token, b"x", "text/plain;charset=UTF-8"))
    async with trigger_svc.runner() as runner:
        lease = await runner.take()
        assert (
            await trigger_svc.payload(lease)
            == (
                '[{"data":"{\\"n\\": \\"ü\\"}","type":"application/json"},{"data":"x","type":"text/plain;charset=UTF-8"}]'
            ).encode()
        )
        order = await trigger_svc.start(lease)
        assert (order.command, dict(order.slots), order.has_payload) == ("dbt_build", {"target": "prod"}, True)
        await trigger_svc.finish(lease, message="all good")
        assert await trigger_svc.store(lease, run_results=b"0123456789", empty=b"") == 2
    started, completed = await trigger_svc.delivery.wait_for(
        f"run-{lease.run_id}-job.run.started", f"run-{lease.run_id}-job.run.completed"
    )
    run = await _run(trigger_svc, lease.run_id)
    assert (run.state, run.message, run.exit_code) == (RUN_STATE_SUCCEEDED, "all good", 0)
    assert list(run.artifact_names) == ["empty", "run_results"]
    assert started.event_time == run.start_time == started.job_run.run_start_time
    assert not started.job_run.HasField("run_finish_time")
    assert completed.account_id == ACCOUNT
    assert completed.job_run == event_pb2.JobRun(
        job_id=trigger.task_id,
        job_name="Load orders",
        run_id=lease.run_id,
        environment_id=1,
        environment_name="Production",
        dbt_version="1.11.0",
        project_name="Default",
        project_id=1,
        run_status=event_pb2.RUN_STATUS_SUCCESS,
        run_reason="Triggered by webhook orders",
        run_start_time=run.start_time,
        run_finish_time=run.finish_time,
    )
    assert trigger_svc.delivery.types_of(lease.run_id) == ["job.run.started", "job.run.completed"]


async def test_a_failed_run_is_announced_at_once_and_completed_when_its_artifacts_are_stored(
    trigger_svc: Service,
) -> None:
    lease = await _a_started_run(trigger_svc)
    await trigger_svc.finish(lease, exit_code=2, message="1 of 3 models failed")
    [errored] = await trigger_svc.delivery.wait_for(f"run-{lease.run_id}-job.run.errored")
    assert (errored.job_run.run_status, errored.job_run.run_status_message) == (
        event_pb2.RUN_STATUS_ERRORED,
        "1 of 3 models failed",
    )
    await trigger_svc.store(lease)
    [completed] = await trigger_svc.delivery.wait_for(f"run-{lease.run_id}-job.run.completed")
    assert completed.job_run.run_status == event_pb2.RUN_STATUS_ERRORED
    run = await _run(trigger_svc, lease.run_id)
    assert (run.state, run.reason, run.exit_code) == (RUN_STATE_FAILED, "command_failed", 2)
    execution = await trigger_svc.triggers.GetExecution(
        pb.GetExecutionRequest(account_id=ACCOUNT, execution_id=run.execution_id), metadata=METADATA
    )
    assert execution.execution.reason == "run_failed"


async def test_completion_is_announced_without_artifacts_when_they_do_not_come(trigger_svc: Service) -> None:
    lease = await _a_started_run(trigger_svc)
    await trigger_svc.finish(lease)
    [completed] = await trigger_svc.delivery.wait_for(f"run-{lease.run_id}-job.run.completed")
    run = await _run(trigger_svc, lease.run_id)
    assert completed.event_time.ToDatetime().timestamp() - run.finish_time.ToDatetime().timestamp() >= 2.0
    assert await trigger_svc.store(lease, late=b"0123456789") == 1, "late ones are kept all the same"
    assert list((await _run(trigger_svc, lease.run_id)).artifact_names) == ["late"]
    await trigger_svc.finish(lease)
    assert trigger_svc.delivery.types_of(lease.run_id) == ["job.run.started", "job.run.completed"]


async def test_executions_of_a_task_run_one_after_the_other_in_the_order_of_their_windows(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger(threshold=1)
    await trigger_svc.receive(*(call(token, b"%d" % number) for number in range(5)))
    seen = []
    for number in range(5):
        async with trigger_svc.runner() as runner:
            lease = await runner.take()
        await trigger_svc.start(lease)
        seen.append(json.loads(await trigger_svc.payload(lease))[0]["data"])
        states = await trigger_svc.pool.fetch("select state, turn_at from trigger.execution order by execution_id")
        assert [row["state"] for row in states] == ["SUCCEEDED"] * number + ["RUNNING"] + ["PENDING"] * (4 - number)
        assert [row["turn_at"] is None for row in states] == [False] * (number + 1) + [True] * (4 - number)
        await trigger_svc.finish(lease)
    assert seen == ["0", "1", "2", "3", "4"]


async def test_executions_of_a_task_with_parallel_runs_do_not_wait(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger(threshold=1, task={"allow_parallel_runs": True})
    await trigger_svc.receive(*(call(token) for _ in range(5)))
    async with trigger_svc.runner() as runner:
        assert len({(await runner.take()).run_id for _ in range(5)}) == 5


async def test_reports_may_be_repeated_under_the_same_lease(trigger_svc: Service) -> None:
    lease = await _a_started_run(trigger_svc)
    first, again = await trigger_svc.start(lease), await trigger_svc.start(lease)
    for order in (first, again):
        assert order.run_token  # each is good
        order.ClearField("run_token")
    assert first == again
    for _ in range(2):
        await trigger_svc.finish(lease, exit_code=3, message="first")
    await trigger_svc.finish(lease, exit_code=0)
    assert (await _run(trigger_svc, lease.run_id)).exit_code == 3
    for _ in range(2):
        assert await trigger_svc.store(lease, one=b"0123456789", two=b"x") == 2
    await trigger_svc.delivery.wait_for(f"run-{lease.run_id}-job.run.completed")
    assert trigger_svc.delivery.types_of(lease.run_id) == ["job.run.started", "job.run.errored", "job.run.completed"]


async def test_a_large_payload_comes_in_chunks_and_is_the_same_every_time(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger(threshold=250)
    bodies = [bytes([65 + number % 26]) * (number * 50) for number in range(250)]
    await trigger_svc.receive(*(call(token, body, "text/plain") for body in bodies))
    async with trigger_svc.runner() as runner:
        lease = await runner.take()
    stream = trigger_svc.runs.GetRunPayload(run_pb.GetRunPayloadRequest(lease=lease), metadata=METADATA)
    chunks = [part.chunk async for part in stream]
    assert [len(chunk) for chunk in chunks[:-1]] == [256 * 1024] * (len(chunks) - 1)
    assert len(chunks) > 5
    payload = b"".join(chunks)
    assert [element["data"].encode() for element in json.loads(payload)] == bodies
    assert await trigger_svc.payload(lease) == payload
    size = await trigger_svc.pool.fetchval("select bytes from trigger.window")
    assert size == len(payload)


async def test_a_run_without_the_parameter_of_the_payload_gets_its_other_parameters_alone(trigger_svc: Service) -> None:
    parameters = [
        ContextParameter(name="resource_webhook_payload"),
        ContextParameter(name="mode", default_value="full"),
    ]
    _, token = await trigger_svc.trigger(threshold=1, task={"parameters": parameters})
    await trigger_svc.receive(call(token))
    async with trigger_svc.runner() as runner:
        order = await trigger_svc.start(await runner.take())
    assert dict(order.parameters) == {"mode": "full"}


async def test_bad_artifacts_are_refused_and_completion_comes_without_them(trigger_svc: Service) -> None:
    lease = await _a_started_run(trigger_svc)
    with pytest.raises(grpc.aio.AioRpcError) as early:
        await trigger_svc.store(lease, early=b"x")
    assert refusal_of(early.value).reason == "RUN_NOT_FINISHED"
    await trigger_svc.finish(lease)
    for name in (".hidden", "a/b", "ä", "x" * 256):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await trigger_svc.store(lease, **{name: b"0123456789"})
        assert [bad.field for bad in refusal_of(refused.value).fields] == ["name"]
    with pytest.raises(grpc.aio.AioRpcError) as large:
        await _store_pieces(trigger_svc, lease, [("big", b"x" * 262_144)] * 65)
    assert refusal_of(large.value).reason == "ARTIFACTS_TOO_LARGE"
    with pytest.raises(grpc.aio.AioRpcError) as nameless:
        await _store_pieces(trigger_svc, lease, [("", b"x")])
    assert [bad.field for bad in refusal_of(nameless.value).fields] == ["name"]
    await trigger_svc.delivery.wait_for(f"run-{lease.run_id}-job.run.completed")
    assert list((await _run(trigger_svc, lease.run_id)).artifact_names) == []


async def test_a_report_without_a_lease_or_against_itself_is_refused(trigger_svc: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await trigger_svc.runs.StartRun(run_pb.StartRunRequest(), metadata=METADATA)
    assert [bad.field for bad in refusal_of(refused.value).fields] == ["lease"]
    lease = await _a_started_run(trigger_svc)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await trigger_svc.runs.FinishRun(run_pb.FinishRunRequest(lease=lease, exit_code=1), metadata=METADATA)
    assert [bad.field for bad in refusal_of(refused.value).fields] == ["reason"]
    await _lease_is_lost(trigger_svc.start(RunLease(run_id=lease.run_id, lease_id=lease.lease_id + 1)))
    await _lease_is_lost(trigger_svc.start(RunLease(run_id=99, lease_id=1)))


async def test_what_was_never_started_cannot_have_succeeded(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger(threshold=1)
    await trigger_svc.receive(call(token))
    async with trigger_svc.runner() as runner:
        lease = await runner.take()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await trigger_svc.runs.FinishRun(run_pb.FinishRunRequest(lease=lease, exit_code=0), metadata=METADATA)
    assert refusal_of(refused.value).reason == "NOT_STARTED"
    await trigger_svc.start(lease)
    await trigger_svc.runs.FinishRun(run_pb.FinishRunRequest(lease=lease, exit_code=0), metadata=METADATA)
    assert (await _run(trigger_svc, lease.run_id)).exit_code == 0


async def _a_started_run(trigger_svc: Service) -> RunLease:
    _, token = await trigger_svc.trigger(threshold=1)
    await trigger_svc.receive(call(token))
    async with trigger_svc.runner() as runner:
        lease = await runner.take()
    await trigger_svc.start(lease)
    return lease


async def _run(trigger_svc: Service, run_id: int) -> Run:
    request = pb.GetRunRequest(account_id=ACCOUNT, run_id=run_id)
    return (await trigger_svc.triggers.GetRun(request, metadata=METADATA)).run


async def _store_pieces(trigger_svc: Service, lease: RunLease, pieces: list[tuple[str, bytes]]) -> None:
    requests = [run_pb.StoreArtifactsRequest(lease=lease)]
    requests += [run_pb.StoreArtifactsRequest(name=name, chunk=chunk) for name, chunk in pieces]
    await trigger_svc.runs.StoreArtifacts(iter(requests), metadata=METADATA)


async def _lease_is_lost(reporting: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await reporting
    refusal = refusal_of(refused.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "LEASE_LOST")
