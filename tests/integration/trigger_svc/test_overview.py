"""An account's windows, executions and runs at a glance, and who serves."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import grpc
import pytest

from runhook.trigger.v1 import trigger_service_pb2 as pb
from runhook.trigger.v1.execution_pb2 import ExecutionState
from runhook.trigger.v1.overview_pb2 import Overview
from tests.support.grpc_peer import bearer
from tests.support.postgres import Database
from tests.support.trigger import ACCOUNT, call, pod
from tests.support.trigger_service import METADATA, Service
from trigger_svc.acquirer import Acquirer, runner_of
from trigger_svc.beater import Beater
from trigger_svc.look_over import look_over
from trigger_svc.overview import MOST_LOSSES
from trigger_svc.store import pod as pods

LONG_SILENT = "update trigger.pod set heartbeat_at = heartbeat_at - $1::interval where name = 'silent'"


async def test_the_door_tells_what_waits_what_runs_and_what_failed_and_why(trigger_svc: Service) -> None:
    _, token = await trigger_svc.trigger(threshold=1, task={"name": "Load"})
    await trigger_svc.receive(call(token))
    async with trigger_svc.runner(slots=1) as runner:
        lease = await runner.take()
        await trigger_svc.start(lease)
        await trigger_svc.receive(call(token))  # waits for its turn
        during = await _overview(trigger_svc)
        await trigger_svc.finish(lease, 2, "dbt found errors")
    after = await _overview(trigger_svc)
    assert (during.running_execution_count, during.running_run_count, during.pending_execution_count) == (1, 1, 1)
    assert during.HasField("oldest_pending_time")
    assert list(during.losses) == []
    [loss] = after.losses
    assert (loss.run_id, loss.target_name, loss.state) == (lease.run_id, "Load", ExecutionState.EXECUTION_STATE_FAILED)
    assert (loss.reason, loss.explanation) == ("run_failed", "The command ended with exit code 2: dbt found errors")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await trigger_svc.triggers.GetOverview(pb.GetOverviewRequest(account_id=ACCOUNT), metadata=bearer("rh_none"))
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


async def test_open_windows_are_counted_and_those_that_end_first_are_named(database: Database) -> None:
    async with pod(database) as one:
        for seconds in range(12, 0, -1):
            _, token = await one.trigger(name=f"t{seconds}", duration_seconds=100.0 * seconds, threshold=9)
            await one.receive(call(token), call(token))
        await one.trigger(name="never_called")
        seen = await look_over(one.pool, ACCOUNT)
        nobodys = await look_over(one.pool, ACCOUNT + 1)
    assert (seen.open_windows, len(seen.windows), nobodys.open_windows) == (12, 10, 0)
    assert [window.trigger_name for window in seen.windows] == [f"t{seconds}" for seconds in range(1, 11)]
    assert {(window.size, window.threshold) for window in seen.windows} == {(2, 9)}


async def test_runs_that_no_runner_takes_are_counted(database: Database) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=1, task={"allow_parallel_runs": True})
        await one.receive(*(call(token) for _ in range(3)))
        work = (await look_over(one.pool, ACCOUNT)).work
    assert (work.triggers, work.pending_executions, work.free_runs, work.running_runs) == (1, 3, 3, 0)
    assert work.oldest_free_run_at is not None
    assert work.oldest_pending_at is not None


async def test_the_newest_losses_come_first_and_are_no_more_than_a_page(database: Database) -> None:
    async with pod(database) as one:
        await _executions(database, 30)
        losses = (await look_over(one.pool, ACCOUNT)).losses
    assert len(losses) == MOST_LOSSES
    assert [loss.task_id for loss in losses] == list(range(30, 20, -1))
    assert {(loss.state, loss.reason) for loss in losses} == {("FAILED", "timed_out"), ("REJECTED", "queue_limit")}


async def test_pods_and_their_runners_are_there_as_long_as_they_beat(database: Database) -> None:
    async with pod(database) as one:
        acquirer = Acquirer(one.pool, lease_seconds=30)
        beater = Beater(one.pool, "pod-1", acquirer.connected)
        for name, account_id in (("ours", None), ("theirs", ACCOUNT), ("anothers", 7)):
            acquirer.connect(runner_of(name, ["dbt_build"], 3, account_id))
        await beater.tick()
        await beater.tick()
        await Beater(one.pool, "silent", list).tick()
        owner = await asyncpg.connect(database.owner_url)
        await owner.execute(LONG_SILENT, timedelta(minutes=1))
        [shown] = (await look_over(one.pool, ACCOUNT)).pods
        await owner.execute(LONG_SILENT, timedelta(hours=1))
        await owner.close()
        await beater.tick()
        left = await one.pool.fetchval("select array_agg(name) from trigger.pod")
        await beater.leave()
        await beater.tick()
        gone = (await look_over(one.pool, ACCOUNT)).pods
    assert (shown.name, [(runner.name, runner.free_slots) for runner in shown.runners]) == (
        "pod-1", [("ours", 3), ("theirs", 3)],
    )  # fmt: skip
    assert (left, list(gone)) == (["pod-1"], [])


async def _overview(service: Service) -> Overview:
    request = pb.GetOverviewRequest(account_id=ACCOUNT)
    return (await service.triggers.GetOverview(request, metadata=METADATA)).overview


async def _executions(database: Database, count: int) -> None:
    """Each of its own task, every other one REJECTED instead of FAILED."""
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute(
        """
        insert into trigger.execution
            (public_id, account_id, task_id, call_count, exclusive, state, reason, created_at, finished_at)
        select 'exe_' || lpad(n::text, 27, '0'), $1, n, 1, true, case when n % 2 = 0 then 'FAILED' else 'REJECTED' end,
               case when n % 2 = 0 then 'timed_out' else 'queue_limit' end, now(), now()
          from generate_series(1, $2::int) n
        """,
        ACCOUNT,
        count,
    )
    await owner.close()


async def test_a_pod_that_left_while_it_beat_does_not_come_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on, beat = asyncio.Event(), asyncio.Event(), pods.beat

    async def slowly(*about: Any) -> None:
        began.set()
        await go_on.wait()
        await beat(*about)

    monkeypatch.setattr(pods, "beat", slowly)
    async with pod(database) as one:
        beater = Beater(one.pool, "leaving", list)
        beating = asyncio.create_task(beater.tick())
        await began.wait()
        leaving = asyncio.create_task(beater.leave())
        await asyncio.wait([leaving], timeout=0.2)
        go_on.set()
        await asyncio.gather(beating, leaving)
        assert "leaving" not in {seen.name for seen in await pods.serving(one.pool)}
