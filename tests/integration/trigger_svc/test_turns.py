"""Whose turn it is among a task's executions, when one ends at the moment in which the next comes into being."""

import asyncio
import uuid
from typing import Any

import asyncpg
import pytest

from chassis.ids import ksuid
from tests.support.postgres import Database
from tests.support.trigger import Pod, call, eventually, pod
from trigger_svc.finish_run import finish_run
from trigger_svc.run import Ending, Lease, ending
from trigger_svc.start_run import start_run
from trigger_svc.store import run as runs
from trigger_svc.store.head import RECEIVE_CALLS

SUCCEEDED: Ending = ending(0, "", "")
WAITS = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
TURNS = "select state, turn_at is not null as has_turn from trigger.execution order by execution_id"


async def test_a_window_that_closes_while_the_run_before_ends_gets_the_turn(database: Database) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=1)
        lease = await _a_started_run(one, token)
        async with one.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.fetch(runs.END_RUN, *_report(lease))
            closing = asyncio.create_task(one.id_of(call(token)))
            await _somebody_waits(one)
            await transaction.commit()
        await closing
        assert await _turns(one) == [("SUCCEEDED", True), ("PENDING", True)]


async def test_a_run_that_ends_while_the_next_window_closes_hands_the_turn_on(database: Database) -> None:
    async with pod(database) as one:
        trigger, token = await one.trigger(threshold=1)
        lease = await _a_started_run(one, token)
        async with one.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.fetch(RECEIVE_CALLS, *_flush(trigger.trigger_id))
            ending_ = asyncio.create_task(finish_run(one.pool, lease, SUCCEEDED, artifact_seconds=60))
            await _somebody_waits(one)
            await transaction.commit()
        await ending_
        assert await _turns(one) == [("SUCCEEDED", True), ("PENDING", True)]


async def test_a_call_that_waited_for_the_head_never_lies_before_its_windows_opening(database: Database) -> None:
    async with pod(database) as one:
        trigger, token = await one.trigger(threshold=10)
        async with one.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.fetch("select from trigger.head where trigger_id = $1 for update", trigger.trigger_id)
            waiting = asyncio.create_task(one.id_of(call(token)))
            await _somebody_waits(one)
            await connection.fetch(RECEIVE_CALLS, *_flush(trigger.trigger_id))
            await transaction.commit()
        await waiting
        [window] = await one.windows()
        times = [
            row["received_at"] for row in await one.pool.fetch("select received_at from trigger.call order by seq")
        ]
        assert window["opened_at"] == times[0] < times[1]


async def test_two_executions_of_a_task_never_have_the_turn_whatever_is_written(database: Database) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=1)
        await one.receive(call(token), call(token))
        assert await _turns(one) == [("PENDING", True), ("PENDING", False)]
        with pytest.raises(asyncpg.UniqueViolationError, match="execution_turn"):
            await one.pool.execute("update trigger.execution set turn_at = clock_timestamp()")


async def _a_started_run(one: Pod, token: str) -> Lease:
    await one.receive(call(token))
    [acquired] = await runs.acquire(one.pool, ["dbt_build"], most=1, lease_seconds=30, account_id=None)
    lease = Lease(run_id=acquired.run_id, lease_id=acquired.lease_id, account_id=None)
    await start_run(one.pool, lease, lease_seconds=30)
    return lease


def _report(lease: Lease) -> tuple[Any, ...]:
    return (lease.run_id, lease.lease_id, None, False, "SUCCEEDED", "", "", 0, 60.0, None)


def _flush(trigger_id: int) -> tuple[Any, ...]:
    ids = ["exe_" + ksuid(0), "exe_" + ksuid(0)]
    return (uuid.uuid4(), [trigger_id], [1], [1], [1], ["cal_1"], [""], [b""], [30], None, None, [], [], ids, False)


async def _somebody_waits(one: Pod) -> None:
    await eventually(lambda: one.pool.fetchval(WAITS))


async def _turns(one: Pod) -> list[tuple[str, bool]]:
    return [(row["state"], row["has_turn"]) for row in await one.pool.fetch(TURNS)]
