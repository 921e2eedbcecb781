"""Triggers of kind ONCE and CRON start at their moment, once, however many pods there are and however long none was."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import grpc
import pytest

from runhook.trigger.v1 import execution_pb2, trigger_pb2
from tests.support.postgres import Database
from tests.support.trigger import ACCOUNT, eventually
from tests.support.trigger_house import House, cron_message, refused
from tests.support.trigger_service import Service
from trigger_svc.scheduler import Scheduler
from trigger_svc.wire import timestamp

SOON = timedelta(seconds=1.2)
PAST_DUE = "update trigger.trigger set next_start_at = $1"


@pytest.fixture
async def house(trigger_svc: Service) -> House:
    return House(trigger_svc)


@pytest.fixture
async def pods(database: Database) -> AsyncIterator[list[Scheduler]]:
    """Four pods' schedulers over one database; their loops are the test."""
    async with asyncpg.create_pool(database.trigger_url, min_size=4, max_size=8) as pool:
        yield [Scheduler(pool, acquire=lambda: None) for _ in range(4)]


async def executions(house: House) -> list[execution_pb2.Execution]:
    return list((await house.ListExecutions(account_id=ACCOUNT, page_size=100)).executions)


async def at_last(house: House, count: int) -> list[execution_pb2.Execution]:
    """All executions, once there are so many."""

    async def enough() -> list[execution_pb2.Execution]:
        found = await executions(house)
        return found if len(found) >= count else []

    return await eventually(enough)


def once_message(moment: datetime, **changes: Any) -> trigger_pb2.Trigger:
    values: dict[str, Any] = {"account_id": ACCOUNT, "name": "at-noon", "kind": trigger_pb2.TRIGGER_KIND_ONCE}
    return trigger_pb2.Trigger(**(values | {"start_time": timestamp(moment)} | changes))


async def test_once_starts_at_its_moment_and_never_again(house: House) -> None:
    task = await house.task(parameters=[])
    moment = await house.pool.fetchval("select clock_timestamp()") + SOON
    made = (await house.CreateTrigger(trigger=once_message(moment, task_id=task.task_id))).trigger
    assert made.next_start_time == made.start_time == timestamp(moment)
    [execution] = await at_last(house, 1)
    assert (execution.task_id, execution.trigger_id) == (task.task_id, made.trigger_id)
    assert execution.create_time.ToDatetime(UTC) >= moment
    found = (await house.of("GetTrigger", made)).trigger
    assert not found.HasField("next_start_time")
    found.name = "renamed"  # an edit of what has started leaves it started
    changed = (await house.UpdateTrigger(trigger=found)).trigger
    assert (changed.name, changed.HasField("next_start_time")) == ("renamed", False)


async def test_a_moment_that_is_over_is_refused(house: House) -> None:
    task = await house.task()
    past = once_message(datetime(2020, 1, 1, tzinfo=UTC), task_id=task.task_id)
    bad = (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT", ["trigger.start_time"])
    assert await refused(house.CreateTrigger(trigger=past)) == bad
    for seconds in (2**62, -(2**62)):
        past.start_time.seconds = seconds
        assert await refused(house.CreateTrigger(trigger=past)) == bad
    made = (
        await house.CreateTrigger(trigger=once_message(datetime(2099, 1, 1, tzinfo=UTC), task_id=task.task_id))
    ).trigger
    made.start_time.seconds = 1
    assert await refused(house.UpdateTrigger(trigger=made)) == bad


async def test_cron_starts_a_plan_and_moves_on(house: House) -> None:
    task = await house.task(parameters=[])
    plan = await house.plan([task.task_id])
    made = await house.cron("*/5 * * * *", plan_id=plan.plan_id, time_zone="Europe/Berlin")
    assert (made.cron.time_zone, made.enabled) == ("Europe/Berlin", True)
    assert made.next_start_time.seconds % 300 == 0
    await house.pool.execute(PAST_DUE, datetime(2026, 1, 1, tzinfo=UTC))
    [execution] = await at_last(house, 1)
    assert (execution.plan_id, execution.runs[0].task_id) == (plan.plan_id, task.task_id)
    found = (await house.of("GetTrigger", made)).trigger
    now = await house.pool.fetchval("select clock_timestamp()")
    assert found.next_start_time.ToDatetime(UTC) > now


async def test_what_was_missed_starts_once_whichever_pods_see_it(house: House, pods: list[Scheduler]) -> None:
    task = await house.task(parameters=[], allow_parallel_runs=True)
    for _ in range(10):
        await house.cron("* * * * *", task_id=task.task_id)
    await house.pool.execute(PAST_DUE, datetime(2026, 1, 1, tzinfo=UTC))  # hundreds of thousands of minutes ago
    await asyncio.gather(*(pod.tick() for pod in pods * 3))
    found = await at_last(house, 10)
    assert len(found) == len({one.trigger_id for one in found}) == 10
    await asyncio.gather(*(pod.tick() for pod in pods))
    assert len(await executions(house)) == 10


async def test_a_moment_that_comes_up_again_after_an_edit_starts_nothing(house: House, pods: list[Scheduler]) -> None:
    await house.cron(task_id=(await house.task(parameters=[])).task_id)
    for _ in range(3):
        await house.pool.execute(PAST_DUE, datetime(2026, 1, 1, tzinfo=UTC))
        await pods[0].tick()
    assert len(await at_last(house, 1)) == 1


async def test_a_schedule_starts_nothing_while_it_is_disabled_nor_what_it_missed(house: House) -> None:
    made = await house.cron("* * * * *", task_id=(await house.task(parameters=[])).task_id)
    made.enabled, made.etag = False, ""
    off = (await house.UpdateTrigger(trigger=made)).trigger
    assert (off.enabled, off.HasField("next_start_time")) == (False, False)
    off.enabled = True
    on = (await house.UpdateTrigger(trigger=off)).trigger
    now = await house.pool.fetchval("select clock_timestamp()")
    assert on.next_start_time.ToDatetime(UTC) > now
    assert await executions(house) == []


async def test_a_new_expression_counts_from_now_and_a_new_name_leaves_what_is_due(house: House) -> None:
    made = await house.cron("0 3 * * *", task_id=(await house.task()).task_id)
    due = datetime(2099, 1, 1, tzinfo=UTC)
    await house.pool.execute(PAST_DUE, due)
    renamed = trigger_pb2.Trigger()
    renamed.CopyFrom(made)
    renamed.name, renamed.etag = "other", ""
    renamed = (await house.UpdateTrigger(trigger=renamed)).trigger
    assert renamed.next_start_time == timestamp(due)
    renamed.cron.expression = "0 4 * * *"
    changed = (await house.UpdateTrigger(trigger=renamed)).trigger
    assert changed.next_start_time.seconds % 86_400 == 4 * 3600
    assert changed.next_start_time.ToDatetime(UTC) < due


async def test_bad_schedules_are_refused_field_by_field(house: House) -> None:
    task = await house.task()
    bad = cron_message("61 * * * *", time_zone="Atlantis", task_id=task.task_id, threshold=5, name="")
    fields = ["trigger.name", "trigger.threshold", "trigger.cron.time_zone", "trigger.cron.expression"]
    answer = await refused(house.CreateTrigger(trigger=bad))
    assert answer == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT", fields)


async def test_one_that_cannot_be_started_holds_up_no_other(
    house: House, pods: list[Scheduler], database: Database
) -> None:
    stuck, free = [(await house.task(parameters=[])).task_id for _ in range(2)]
    for task_id in (stuck, free):
        await house.cron(task_id=task_id)
    connection = await asyncpg.connect(database.owner_url)
    try:
        async with connection.transaction():
            await connection.execute("select from trigger.task where task_id = $1 for update", stuck)
            await house.pool.execute(PAST_DUE, datetime(2026, 1, 1, tzinfo=UTC))
            with suppress(asyncpg.LockNotAvailableError):  # unless it is the service's own loop that waits for the lock
                await pods[0].tick()
            assert [one.task_id for one in await at_last(house, 1)] == [free]
    finally:
        await connection.close()
    assert {one.task_id for one in await at_last(house, 2)} == {stuck, free}
