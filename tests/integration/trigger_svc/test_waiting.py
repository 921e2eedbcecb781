"""Nothing waits for ever: what did not begin within its days is REJECTED, with its reason, and can be executed again."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from chassis.errors import FailedPrecondition
from tests.support.executions import Line, limit
from tests.support.postgres import Database
from tests.support.trigger import ACCOUNT, call, pod
from trigger_svc import look_up
from trigger_svc.pruner import WAIT_DAYS, Pruner
from trigger_svc.read_payload import read_execution_payload
from trigger_svc.rerun import rerun

DAY = 24 * 60


@pytest.fixture
async def line(database: Database) -> AsyncIterator[Line]:
    async with pod(database) as one:
        yield Line(pod=one)


async def _give_up(line: Line) -> None:
    assert not await Pruner(line.pool, line.pod.clock).give_up_waiting()


async def test_an_execution_that_mode_hold_keeps_is_rejected_in_the_end_with_its_payload_kept(line: Line) -> None:
    """The symptom: held executions of a task whose runner is gone stayed for ever, after their calls were dropped."""
    token = await line.webhook(task_id=await line.task(queue_limit=limit(1, "hold")))
    for number in range(3):
        await line.pod.receive(call(token, b"%d" % number, "text/plain"))
    await line.take()
    await line.age(WAIT_DAYS * DAY - 1)
    await _give_up(line)
    assert await line.states() == ["RUNNING", "PENDING", "PENDING"]
    await line.age(2)
    await _give_up(line)
    running, *given_up = await line.executions()
    assert running["state"] == "RUNNING", "what has begun has a timeout of its own"
    assert [(row["state"], row["reason"]) for row in given_up] == [("REJECTED", "waited_too_long")] * 2
    assert len(await line.runs()) == 1, "a rejected execution has no run"
    assert (await line.told())[-2:] == [("execution.rejected", "FAILED")] * 2
    execution = await look_up.execution(line.pool, ACCOUNT, given_up[1]["public_id"])
    assert (execution.state, execution.reason, execution.runs) == ("REJECTED", "waited_too_long", ())
    chunks = [chunk async for chunk in read_execution_payload(line.pool, ACCOUNT, execution.public_id)]
    assert json.loads(b"".join(chunks))[0]["data"] == "2"


async def test_what_waits_for_a_runner_a_turn_or_the_end_of_a_pause_has_the_same_end(line: Line) -> None:
    paused, unserved = await line.task("a"), await line.task("b")
    for task_id in (paused, unserved, unserved):
        await line.start(task_id=task_id)
    await line.pool.fetchval("select trigger.pause_target($1, $2, true)", ACCOUNT, paused)
    await line.take("b", begin=False)  # a runner has it in hand and has not begun
    await line.age(WAIT_DAYS * DAY + 1)
    await line.start(task_id=unserved)
    await _give_up(line)
    assert await line.states() == ["REJECTED", "REJECTED", "REJECTED", "PENDING"]
    assert (await line.turns())[-1], "who is left has the turn"


async def test_a_plan_of_which_a_run_ended_before_it_began_keeps_that_run(line: Line) -> None:
    plan_id = await line.plan([await line.task("a"), await line.task("b")])
    await line.start(plan_id=plan_id)
    await line.take("a", begin=False)
    await line.finish("a", exit_code=1)
    await line.age(WAIT_DAYS * DAY + 1)
    await _give_up(line)
    assert await line.states() == ["REJECTED"]
    assert await line.run_states() == [("a", "FAILED")]


async def test_a_start_wins_against_the_end_of_waiting(line: Line) -> None:
    await line.start(task_id=await line.task())
    await line.age(WAIT_DAYS * DAY + 1)
    [row] = await line.executions()
    await line.take()
    before = row["created_at"] + timedelta(seconds=1)
    assert not await line.pool.fetchval("select trigger.give_up_waiting($1, $2)", row["execution_id"], before)
    assert await line.states() == ["RUNNING"]


async def test_what_lost_its_payload_to_its_retention_is_not_executed_again(line: Line) -> None:
    """The symptom: the rerun was taken, and failed half a minute later for want of a payload."""
    token = await line.webhook(task_id=await line.task())
    await line.pod.receive(call(token))
    await line.run()
    await line.start(task_id=await line.task("b"))  # has no payload to lose
    await line.run("b")
    await line.pool.execute("delete from trigger.call")
    gone, other = [row["public_id"] for row in await line.executions()]
    with pytest.raises(FailedPrecondition) as refused:
        await rerun(line.pool, line.pod.clock, ACCOUNT, gone, from_failed_step=False)
    assert refused.value.reason == "PAYLOAD_GONE"
    await rerun(line.pool, line.pod.clock, ACCOUNT, other, from_failed_step=False)
    assert await line.states() == ["SUCCEEDED", "SUCCEEDED", "PENDING"]
