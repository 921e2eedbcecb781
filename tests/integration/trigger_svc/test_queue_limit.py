"""The queue limit: what counts, what becomes of those beyond it, and that nothing which was acknowledged is lost by it."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.support.executions import Line, limit
from tests.support.postgres import Database
from tests.support.trigger import ACCOUNT, call, pod
from trigger_svc.read_payload import read_execution_payload
from trigger_svc.rescuer import Rescuer

FULL = "select trigger.queue_is_full($1, null)"


@pytest.fixture
async def line(database: Database) -> AsyncIterator[Line]:
    async with pod(database) as one:
        yield Line(pod=one)


def _rescuer(line: Line) -> Rescuer:
    return Rescuer(line.pool, acquire=lambda: None, announce=lambda: None)


async def _payload(line: Line, public_id: str) -> bytes:
    return b"".join([chunk async for chunk in read_execution_payload(line.pool, ACCOUNT, public_id)])


async def test_of_a_flood_of_60_windows_10_are_rejected_and_keep_their_payloads(line: Line) -> None:
    token = await line.webhook(task_id=await line.task())
    for number in range(60):
        await line.pod.receive(call(token, b"%d" % number, "text/plain"))
    executions = await line.executions()
    assert [row["state"] for row in executions] == ["PENDING"] * 50 + ["REJECTED"] * 10
    assert {row["reason"] for row in executions[50:]} == {"queue_limit"}
    for number, row in enumerate(executions):
        assert json.loads(await _payload(line, row["public_id"]))[0]["data"] == str(number)
    assert len(await line.runs()) == 50, "a rejected execution has no run"
    assert await line.told() == [("execution.rejected", "FAILED")] * 10


async def test_2000_identical_calls_make_200_executions_of_10_and_then_the_limit_holds(line: Line) -> None:
    token = await line.webhook(task_id=await line.task(), threshold=10, duration_seconds=1)
    for _ in range(4):
        await line.pod.receive(*(call(token, b"same") for _ in range(500)))
    executions = await line.executions()
    assert {row["call_count"] for row in executions} == {10}
    assert Counter(row["state"] for row in executions) == {"PENDING": 50, "REJECTED": 150}


async def test_of_windows_that_close_together_as_many_come_in_as_there_is_room_for(line: Line) -> None:
    token = await line.webhook(task_id=await line.task(queue_limit=limit(3)))
    await line.pod.receive(*(call(token) for _ in range(20)))
    assert await line.states() == ["PENDING"] * 3 + ["REJECTED"] * 17


async def test_only_the_last_hour_counts(line: Line) -> None:
    task_id = await line.task(queue_limit=limit(2))
    token = await line.webhook(task_id=task_id)
    await line.pod.receive(*(call(token) for _ in range(2)))
    await line.age(61)
    await line.pod.receive(*(call(token) for _ in range(3)))
    assert await line.states() == ["PENDING"] * 4 + ["REJECTED"]


async def test_mode_concurrent_forgets_what_has_ended_and_rolling_does_not(line: Line) -> None:
    for command, count in (("c", "concurrent"), ("r", "rolling")):
        task_id = await line.task(command, queue_limit=limit(1, count=count))
        for _ in range(2):
            await line.start(task_id=task_id)
            if await line.take(command):
                await line.finish(command)
    assert await line.states() == ["SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "REJECTED"]
    await line.age(61)
    await line.start(task_id=task_id)
    assert (await line.states())[-1] == "PENDING"


async def test_a_rejected_execution_takes_no_room_from_others(line: Line) -> None:
    task_id = await line.task(queue_limit=limit(1, count="rolling"))
    for _ in range(5):
        await line.start(task_id=task_id)
    await line.pool.execute("update trigger.execution set queued_at = queued_at - interval '61 minutes'")
    await line.start(task_id=task_id)
    assert await line.states() == ["PENDING", "REJECTED", "REJECTED", "REJECTED", "REJECTED", "PENDING"]


async def test_mode_hold_keeps_what_is_beyond_the_limit_until_there_is_room(line: Line) -> None:
    token = await line.webhook(
        task_id=await line.task(queue_limit=limit(2, "hold"), allow_parallel_runs=True), threshold=1
    )
    for number in range(5):
        await line.pod.receive(call(token, b"%d" % number))
    assert await line.states() == ["PENDING"] * 5
    assert await line.turns() == [True, True, False, False, False]
    assert await line.take()
    assert await line.take()
    assert not await line.take()
    await line.finish()
    assert await line.turns() == [True, True, True, False, False]
    for _ in range(4):
        await line.take()
        await line.finish()
    assert await line.states() == ["SUCCEEDED"] * 5


async def test_held_executions_come_in_when_an_hour_is_over_and_newer_ones_do_not_overtake_them(line: Line) -> None:
    task_id = await line.task(queue_limit=limit(1, "hold", "rolling"))
    for _ in range(3):
        await line.start(task_id=task_id)
    await line.run()
    await _rescuer(line).tick()
    assert await line.turns() == [True, False, False]
    await line.age(61)
    await line.start(task_id=task_id)
    assert await line.turns() == [True, True, False, False], "who waited longest comes first"
    await line.run()
    await line.age(61)
    await _rescuer(line).tick()
    assert await line.turns() == [True, True, True, False]


async def test_mode_reject_tells_the_starter_and_accepted_calls_are_stored_all_the_same(line: Line) -> None:
    task_id = await line.task(queue_limit=limit(1, "reject"))
    token = await line.webhook(task_id=task_id, threshold=2)
    assert not await line.pool.fetchval(FULL, task_id)
    await line.pod.receive(call(token))  # opens a window while there is room
    await line.start(task_id=task_id)
    assert await line.pool.fetchval(FULL, task_id)
    assert (await line.start(task_id=task_id)).answer == "QUEUE_FULL"
    assert (await line.start(task_id=task_id, cause="cron")).state == "REJECTED", "nobody is there who could be told"
    await line.pod.receive(call(token))  # joins the open window
    assert await line.states() == ["PENDING", "REJECTED", "REJECTED"]


async def test_the_queue_is_full_for_calls_in_mode_reject_alone(line: Line) -> None:
    for mode in ("fail", "hold"):
        task_id = await line.task(mode, queue_limit=limit(1, mode))
        await line.start(task_id=task_id)
        assert not await line.pool.fetchval(FULL, task_id)
    assert not await line.pool.fetchval(FULL, 999)


async def test_starts_by_hand_by_schedule_and_again_count_as_those_by_webhook(line: Line) -> None:
    task_id = await line.task(queue_limit=limit(3, count="rolling"))
    token = await line.webhook(task_id=task_id)
    await line.pod.receive(call(token))
    await line.start(task_id=task_id, cause="cron")
    await line.run()
    first = (await line.executions())[0]["public_id"]
    await line.pool.fetch(
        "select * from trigger.rerun_execution('exe_' || repeat('1', 27), $1, $2, false)", ACCOUNT, first
    )
    assert (await line.start(task_id=task_id)).state == "REJECTED"
    assert [row["cause"] for row in await line.executions()] == ["webhook", "cron", "rerun", "manual"]


async def test_starts_that_race_from_everywhere_never_pass_the_limit(database: Database) -> None:
    async with pod(database, connections=10) as one:
        line = Line(pod=one)
        task_id = await line.task(queue_limit=limit(7))
        await asyncio.gather(*(line.start(task_id=task_id) for _ in range(30)))
        assert Counter(await line.states()) == {"PENDING": 7, "REJECTED": 23}
