"""From the outbox to delivery_svc: in order per run, again and again until it is taken, each under one request id."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from chassis.channel import open_channel
from chassis.errors import Unavailable
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub, add_DeliveryServiceServicer_to_server
from runhook.delivery.v1.event_pb2 import RUN_STATUS_CANCELLED
from tests.support.executions import Line, limit
from tests.support.grpc_peer import serving
from tests.support.postgres import Database
from tests.support.trigger import ACCOUNT, Pod, call, pod
from tests.support.trigger_service import DeliveryPeer, delivery_peer
from trigger_svc.announcer import Announcer
from trigger_svc.event import Telling
from trigger_svc.finish_run import finish_run
from trigger_svc.run import Lease, ending
from trigger_svc.start_run import start_run
from trigger_svc.store import artifact as artifacts
from trigger_svc.store import run as runs
from trigger_svc.store import start as starts

#: Tells of runs that end by themselves, and of nothing else.
QUIET = Telling(operator_account_id=None, rejected=False, cancelled=False)
ALL = Telling(operator_account_id=9, rejected=True, cancelled=True)
WAITING = "select count(*) from trigger.outbox where published_at is null"


@asynccontextmanager
async def announcing(
    database: Database, telling: Telling = QUIET
) -> AsyncIterator[tuple[Pod, DeliveryPeer, Announcer]]:
    """A pod, the peer of its announcer, and the announcer."""
    peer = delivery_peer()
    async with (
        pod(database) as one,
        serving(lambda server: add_DeliveryServiceServicer_to_server(peer, server)) as target,
        open_channel(target) as channel,
    ):
        yield one, peer, Announcer(one.pool, DeliveryServiceStub(channel), None, telling)


async def test_a_failed_run_is_told_as_started_errored_completed_in_batches_that_keep_its_order(
    database: Database,
) -> None:
    async with announcing(database) as (one, peer, announcer):
        run_ids = [await _a_finished_run(one, exit_code=1) for _ in range(3)]
        while await announcer.tick():
            pass
        for run_id in run_ids:
            assert peer.types_of(run_id) == ["job.run.started", "job.run.errored", "job.run.completed"]
        assert [len(batch) for batch in peer.batches] == [3, 3, 3], "never two of a run in one batch"
        assert await one.pool.fetchval(WAITING) == 0


async def _reject_and_cancel(one: Pod) -> tuple[int, list[str]]:
    """A rejected execution and a cancelled one; the run of that one, and the public ids of both."""
    line = Line(pod=one)
    task_id = await line.task(queue_limit=limit(1))
    for _ in range(2):
        await line.start(task_id=task_id)
    ids = [row["public_id"] for row in await line.executions()]
    await starts.cancel(one.pool, ACCOUNT, ids[0])
    return (await line.runs())[0]["run_id"], ids


async def test_of_rejected_and_cancelled_executions_nobody_hears_who_does_not_want_to(database: Database) -> None:
    async with announcing(database) as (one, peer, announcer):
        await _reject_and_cancel(one)
        while await announcer.tick():
            pass
        assert peer.events == {}
        assert await one.pool.fetchval(WAITING) == 0


async def test_a_rejected_execution_is_told_to_the_operator_and_where_wanted_as_errored_and_completed(
    database: Database,
) -> None:
    async with announcing(database, ALL) as (one, peer, announcer):
        run_id, (_, rejected) = await _reject_and_cancel(one)
        while await announcer.tick():
            pass
        told = [
            f"execution-{rejected}-{name}" for name in ("execution.rejected", "job.run.errored", "job.run.completed")
        ]
        assert set(peer.events) == {*told, f"run-{run_id}-job.run.completed"}
        operational, errored, completed = [peer.events[name] for name in told]
        assert (operational.account_id, operational.operational_fact.subject) == (9, rejected)
        assert (operational.operational_fact.account_id, operational.operational_fact.subject_name) == (ACCOUNT, "a")
        assert (errored.event_type, completed.event_type) == ("job.run.errored", "job.run.completed")
        assert errored.account_id == completed.account_id == ACCOUNT
        assert errored.job_run == completed.job_run
        assert errored.job_run.run_status_message == "the queue of its task or plan is full"
        assert errored.job_run.run_id not in (0, run_id)
        assert peer.events[f"run-{run_id}-job.run.completed"].job_run.run_status == RUN_STATUS_CANCELLED


async def test_nothing_is_lost_while_delivery_svc_is_away(database: Database) -> None:
    async with announcing(database) as (one, peer, announcer):
        run_id = await _a_finished_run(one)
        peer.away = True
        for _ in range(3):
            with pytest.raises(Unavailable):
                await announcer.tick()
        peer.away = False
        while await announcer.tick():
            pass
        assert peer.types_of(run_id) == ["job.run.started", "job.run.completed"]


async def test_an_event_that_is_refused_for_good_stands_aside_and_the_others_go_on(database: Database) -> None:
    async with announcing(database) as (one, peer, announcer):
        run_ids = [await _a_finished_run(one, exit_code=1) for _ in range(5)]
        peer.refused.add(f"run-{run_ids[2]}-job.run.errored")
        while await announcer.tick():
            pass
        assert peer.types_of(run_ids[2]) == ["job.run.started", "job.run.completed"]
        for run_id in (*run_ids[:2], *run_ids[3:]):
            assert peer.types_of(run_id) == ["job.run.started", "job.run.errored", "job.run.completed"]
        [row] = await one.pool.fetch("select run_id, event_type, refusal from trigger.outbox where refusal is not null")
        assert (row["run_id"], row["event_type"]) == (run_ids[2], "job.run.errored")


async def test_an_event_that_was_taken_but_not_marked_goes_out_again_as_the_same(database: Database) -> None:
    async with announcing(database) as (one, peer, announcer):
        run_id = await _a_finished_run(one)
        while await announcer.tick():
            pass
        await one.pool.execute("update trigger.task set name = 'renamed', environment_name = 'other'")
        await one.pool.execute("update trigger.outbox set published_at = null")
        while await announcer.tick():
            pass
        assert len(peer.batches) == 4
        assert peer.types_of(run_id) == ["job.run.started", "job.run.completed"]


async def test_announcers_of_several_pods_publish_each_event_once_and_in_order(database: Database) -> None:
    async with announcing(database) as (one, peer, announcer), pod(database) as other:
        second = Announcer(other.pool, announcer._delivery, None, QUIET)
        run_ids = [await _a_finished_run(one, exit_code=1) for _ in range(10)]

        async def announce(announcer: Announcer) -> None:
            while await announcer.tick() or await one.pool.fetchval(WAITING):
                pass

        await asyncio.gather(announce(announcer), announce(second))
        assert sum(len(batch) for batch in peer.batches) == 30
        for run_id in run_ids:
            assert peer.types_of(run_id) == ["job.run.started", "job.run.errored", "job.run.completed"]


async def test_an_event_that_a_dead_pod_claimed_is_published_by_another(database: Database) -> None:
    async with announcing(database) as (one, peer, announcer):
        run_id = await _a_finished_run(one)
        claimed = await _claim(one.pool)
        assert not await announcer.tick(), "the claim holds, and what comes after in this run waits for it"
        assert peer.batches == []
        await one.pool.execute(
            "update trigger.outbox set claimed_until = clock_timestamp() where outbox_id = $1", claimed
        )
        while await announcer.tick():
            pass
        assert peer.types_of(run_id) == ["job.run.started", "job.run.completed"]


async def _a_finished_run(one: Pod, exit_code: int = 0) -> int:
    """A run with all its events in the outbox."""
    _, token = await one.trigger(threshold=1)
    await one.receive(call(token))
    [run] = await runs.acquire(one.pool, ["dbt_build"], most=1, lease_seconds=30, account_id=None)
    lease = Lease(run_id=run.run_id, lease_id=run.lease_id, account_id=None)
    await start_run(one.pool, lease, lease_seconds=30)
    reason = "command_failed" if exit_code else ""
    await finish_run(one.pool, lease, ending(exit_code, reason, ""), artifact_seconds=60)
    assert await artifacts.complete(one.pool, lease, [])
    return run.run_id


async def _claim(pool: asyncpg.Pool) -> int:
    outbox_id: int = await pool.fetchval(
        """
        update trigger.outbox set claimed_until = clock_timestamp() + interval '20 s'
         where outbox_id = (select min(outbox_id) from trigger.outbox) returning outbox_id
        """
    )
    return outbox_id
