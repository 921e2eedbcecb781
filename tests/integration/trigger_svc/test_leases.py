"""Who holds a run: leases that are kept, lost, handed out again, and what an account's runner may hold."""

import asyncio
import hashlib
from typing import Any

import asyncpg
import grpc
import pytest

from chassis.status import refusal_of
from runhook.delivery.v1 import event_pb2
from runhook.trigger.v1 import run_service_pb2 as run_pb
from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.run_pb2 import RUN_STATE_PENDING, Run, RunLease
from tests.support.grpc_peer import bearer
from tests.support.trigger import ACCOUNT, call
from tests.support.trigger_service import METADATA, Service

INSERT_ACCOUNT = "insert into subscription.account (account_id, public_id, name) values ($1, $2, 'test')"
INSERT_TOKEN = """
insert into subscription.service_token (account_id, token_hash, name, permission_set) values ($1, $2, 'test', $3)
"""


async def test_a_runner_gets_no_more_than_it_has_room_for_and_only_its_commands(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger(threshold=1, task={"allow_parallel_runs": True})
    await trigger_svc.receive(*(call(token) for _ in range(3)))
    async with trigger_svc.runner(commands=["other"]) as other:
        assert await other.has_nothing()
    async with trigger_svc.runner(slots=2) as runner:
        await runner.take()
        await runner.take()
        assert await runner.has_nothing(seconds=0.5)
    async with trigger_svc.runner(slots=0, commands=["other", "dbt_build"]) as runner:
        await runner.say(1)
        await runner.take()


async def test_an_acquired_run_that_is_not_started_is_handed_out_again(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger(threshold=1)
    await trigger_svc.receive(call(token))
    async with trigger_svc.runner(slots=1) as runner:
        first = await runner.take()
    async with trigger_svc.runner() as other:
        second = await other.take()
    assert second.run_id == first.run_id
    assert second.lease_id != first.lease_id
    await _lease_is_lost(trigger_svc.start(first))
    await trigger_svc.start(second)
    await _lease_is_lost(trigger_svc.finish(first))
    await _lease_is_lost(trigger_svc.payload(first))
    assert trigger_svc.delivery.types_of(first.run_id) in ([], ["job.run.started"])


async def test_a_started_run_whose_runner_goes_silent_fails_as_runner_lost_and_is_announced(
    trigger_svc: Service,
) -> None:
    lease = await _a_started_run(trigger_svc)
    errored, completed = await trigger_svc.delivery.wait_for(
        f"run-{lease.run_id}-job.run.errored", f"run-{lease.run_id}-job.run.completed"
    )
    assert errored.job_run.run_status_message == "the runner was lost"
    assert completed.job_run.run_status == event_pb2.RUN_STATUS_ERRORED
    assert trigger_svc.delivery.types_of(lease.run_id) == ["job.run.started", "job.run.errored", "job.run.completed"]
    assert (await _run(trigger_svc, lease.run_id)).reason == "runner_lost"
    await _lease_is_lost(trigger_svc.finish(lease))
    await _lease_is_lost(trigger_svc.store(lease, late=b"x"))
    assert await _heartbeat(trigger_svc, lease) == [lease.run_id]


async def test_a_lost_run_with_attempts_left_is_tried_again_and_started_is_told_once(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger(threshold=1, task={"max_attempts": 2})
    await trigger_svc.receive(call(token))
    async with trigger_svc.runner() as runner:
        first = await runner.take()
        await trigger_svc.start(first)
        second = await runner.take()
        assert second.run_id == first.run_id
        await _lease_is_lost(trigger_svc.finish(first))
        await trigger_svc.start(second)
        await trigger_svc.finish(second)
        await trigger_svc.store(second)
    await trigger_svc.delivery.wait_for(f"run-{first.run_id}-job.run.completed")
    assert trigger_svc.delivery.types_of(first.run_id) == ["job.run.started", "job.run.completed"]


async def test_a_heartbeat_keeps_acquired_and_started_runs(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger(threshold=1, task={"allow_parallel_runs": True})
    await trigger_svc.receive(call(token), call(token))
    async with trigger_svc.runner() as runner:
        started, acquired = await runner.take(), await runner.take()
        await trigger_svc.start(started)
        for _ in range(8):
            assert await _heartbeat(trigger_svc, started, acquired) == []
            await asyncio.sleep(0.3)  # longer than the lease in all
        await trigger_svc.start(acquired)
        await trigger_svc.finish(started)
        assert await _heartbeat(trigger_svc, started, acquired) == [], "a finished run is not lost"


async def test_a_runner_with_an_accounts_token_sees_that_accounts_runs_alone(trigger_svc: Service) -> None:
    mine = await _a_token(trigger_svc.pool, ACCOUNT, "runner")
    theirs = await _a_token(trigger_svc.pool, ACCOUNT + 1, "runner")
    _, token = await trigger_svc.trigger(threshold=1)
    await trigger_svc.receive(call(token))
    async with trigger_svc.runner(metadata=theirs) as other:
        assert await other.has_nothing()
    async with trigger_svc.runner(metadata=mine) as runner:
        lease = await runner.take()
    request = run_pb.StartRunRequest(lease=lease)
    await _lease_is_lost(trigger_svc.runs.StartRun(request, metadata=theirs))
    await trigger_svc.runs.StartRun(request, metadata=mine)
    reader = await _a_token(trigger_svc.pool, ACCOUNT, "read_only")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await trigger_svc.runs.StartRun(request, metadata=reader)
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (run_pb.AcquireRunsRequest(), ["runner_name", "commands"]),
        (
            run_pb.AcquireRunsRequest(runner_name="x" * 101, commands=["a", "B"], free_slots=1001),
            ["runner_name", "commands[1]", "free_slots"],
        ),
        (run_pb.AcquireRunsRequest(runner_name="x", commands=["a"], free_slots=-1), ["free_slots"]),
    ],
)
async def test_every_bad_field_of_a_runners_first_word_is_named(
    trigger_svc: Service, request_: run_pb.AcquireRunsRequest, fields: list[str]
) -> None:
    stream = trigger_svc.runs.AcquireRuns(iter([request_]), metadata=METADATA)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stream.read()
    assert [bad.field for bad in refusal_of(refused.value).fields] == fields


async def test_what_a_leaving_runner_was_not_sent_goes_back_at_once(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger(threshold=1)
    await trigger_svc.receive(call(token))
    async with trigger_svc.runner() as runner:
        lease = await runner.take()
    assert (await _run(trigger_svc, lease.run_id)).state == RUN_STATE_PENDING


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


async def _heartbeat(trigger_svc: Service, *leases: RunLease) -> list[int]:
    request = run_pb.HeartbeatRunsRequest(leases=leases)
    return list((await trigger_svc.runs.HeartbeatRuns(request, metadata=METADATA)).lost_run_ids)


async def _lease_is_lost(reporting: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await reporting
    refusal = refusal_of(refused.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "LEASE_LOST")


async def _a_token(pool: asyncpg.Pool, account_id: int, permission_set: str) -> tuple[tuple[str, str], ...]:
    if not await pool.fetchval("select count(*) from subscription.account where account_id = $1", account_id):
        await pool.execute(INSERT_ACCOUNT, account_id, f"act_{account_id:027}")
    token = f"{permission_set}-of-{account_id}"
    await pool.execute(INSERT_TOKEN, account_id, hashlib.sha256(token.encode()).digest(), permission_set)
    return bearer(token)
