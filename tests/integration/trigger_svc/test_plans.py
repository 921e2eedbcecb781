"""Executions of plans: steps, parallel tasks, failure handler, timeouts, turns; and what reaches the first step alone."""

import asyncio
import json
import random
from collections.abc import AsyncIterator

import pytest

from tests.support.executions import Line, limit
from tests.support.postgres import Database
from tests.support.trigger import pod
from trigger_svc.plan import Move, Progress, ended, moved, next_move, timed_out
from trigger_svc.rescuer import Rescuer
from trigger_svc.store import rescue
from trigger_svc.store import run as runs
from trigger_svc.task import PAYLOAD, Parameter

WITHOUT = {"parameters": ()}
ORDERS = "select run_id, command, step, takes_payload, parameters from trigger.run order by run_id"


@pytest.fixture
async def line(database: Database) -> AsyncIterator[Line]:
    async with pod(database) as one:
        yield Line(pod=one)


async def _nightly(line: Line, *, handler: bool = True, **changes: object) -> int:
    """Step 1: a. Step 2: b and c, at once. Step 3: d. After a failure: h."""
    a, b, c, d, h = [await line.task(command) for command in "abcdh"]
    return await line.plan((a,), (b, c), (d,), handler=h if handler else 0, **changes)


async def _deadline_has_come(line: Line) -> None:
    await line.pool.execute(
        "update trigger.execution set deadline_at = now() - interval '1 second' where deadline_at is not null"
    )
    rescuer = Rescuer(line.pool, acquire=lambda: None, announce=lambda: None)
    await rescuer.tick()


async def test_a_step_starts_when_every_run_of_the_step_before_succeeded(line: Line) -> None:
    await line.start(plan_id=await _nightly(line))
    assert not await line.take("b")
    await line.run("a")
    assert await line.take("b")
    assert await line.take("c")
    await line.finish("c")
    assert not await line.take("d"), "b still runs"
    await line.finish("b")
    [execution] = await line.executions()
    assert (execution["state"], execution["step"]) == ("RUNNING", 3)
    await line.run("d")
    assert await line.states() == ["SUCCEEDED"]
    assert await line.run_states() == [(command, "SUCCEEDED") for command in "abcd"]


async def test_after_a_failure_what_runs_goes_on_and_then_the_handler_runs_once(line: Line) -> None:
    await line.start(plan_id=await _nightly(line))
    await line.run("a")
    await line.take("b")
    await line.finish("b", exit_code=3)
    assert not await line.take("h"), "c has still to end, although no runner has taken it yet"
    await line.run("c")
    assert not await line.take("d")
    await line.run("h")
    [execution] = await line.executions()
    assert (execution["state"], execution["reason"], execution["failed_step"]) == ("FAILED", "run_failed", 2)
    assert not await line.take("h")
    assert await line.run_states() == [
        ("a", "SUCCEEDED"),
        ("b", "FAILED"),
        ("c", "SUCCEEDED"),
        ("h", "SUCCEEDED"),
    ]


async def test_a_handler_that_fails_changes_nothing_and_without_one_the_execution_fails_at_once(line: Line) -> None:
    await line.start(plan_id=await _nightly(line))
    await line.run("a", exit_code=1)
    await line.run("h", exit_code=2)
    without = await line.plan(((await line.runs())[0]["task_id"],))
    await line.start(plan_id=without)
    await line.run("a", exit_code=1)
    assert [(row["state"], row["reason"]) for row in await line.executions()] == [("FAILED", "run_failed")] * 2


async def test_two_failures_of_a_step_start_one_handler_even_when_their_reports_race(database: Database) -> None:
    async with pod(database, connections=8) as one:
        line = Line(pod=one)
        tasks = [await line.task(command) for command in "xyz"]
        plan_id = await line.plan(tasks, handler=await line.task("h"), allow_parallel_runs=True)
        for _ in range(5):
            await line.start(plan_id=plan_id)
            for command in "xyz":
                await line.take(command)
            await asyncio.gather(*(line.finish(command, exit_code=1) for command in "xyz"))
            await line.run("h")
            assert not await line.take("h")
        assert await line.states() == ["FAILED"] * 5


async def test_runs_of_a_step_that_end_at_once_start_the_next_step_once(database: Database) -> None:
    async with pod(database, connections=8) as one:
        line = Line(pod=one)
        plan_id = await line.plan([await line.task(command) for command in "wxyz"], [await line.task("next")])
        for number in range(1, 6):
            await line.start(plan_id=plan_id)
            for command in "wxyz":
                await line.take(command)
            await asyncio.gather(*(line.finish(command) for command in "wxyz"))
            assert (await line.run_states()).count(("next", "PENDING")) == 1
            await line.run("next")
            assert await line.states() == ["SUCCEEDED"] * number


async def test_every_run_of_a_plan_is_told_of_exactly_once_errored_before_completed(line: Line) -> None:
    await line.start(plan_id=await _nightly(line))
    await line.run("a", exit_code=1)
    await line.run("h")
    await rescue.give_up_artifacts(line.pool, (await rescue.read_time(line.pool)).replace(year=2100), most=100)
    assert await line.told() == [
        ("job.run.started", "RUNNING"),
        ("job.run.errored", "FAILED"),
        ("job.run.started", "RUNNING"),
        ("job.run.completed", "FAILED"),
        ("job.run.completed", "SUCCEEDED"),
    ]


async def test_the_payload_goes_to_the_tasks_of_the_first_step_that_declare_it_and_to_no_other(line: Line) -> None:
    taking, not_taking = await line.task("a"), await line.task("b", **WITHOUT)
    later, handler = await line.task("c"), await line.task("h")
    plan_id = await line.plan((taking, not_taking), (later,), handler=handler)
    await line.start(plan_id=plan_id, payload=b"[1]")
    await line.run("a")
    await line.run("b")
    await line.run("c", exit_code=1)
    await line.run("h")
    assert [(row["command"], row["takes_payload"]) for row in await line.pool.fetch(ORDERS)] == [
        ("a", True),
        ("b", False),
        ("c", False),
        ("h", False),
    ]


async def test_parameters_of_a_start_take_the_place_of_defaults_in_the_first_step_alone(line: Line) -> None:
    declared = (
        Parameter(name=PAYLOAD, default_value="x"),
        Parameter(name="mode", default_value="full"),
        Parameter(name="day", default_value="today"),
    )
    first, later = await line.task("a", parameters=declared), await line.task("b", parameters=declared)
    await line.start(plan_id=await line.plan((first,), (later,)), parameters={"mode": "delta"})
    await line.run("a")
    assert [json.loads(row["parameters"]) for row in await line.pool.fetch(ORDERS)] == [
        {"mode": "delta", "day": "today"},
        {"mode": "full", "day": "today"},
    ]


async def test_an_edit_of_the_plan_does_not_reach_an_execution_under_way(line: Line) -> None:
    a, b, c = [await line.task(command) for command in "abc"]
    plan_id = await line.plan((a,), (b,))
    await line.start(plan_id=plan_id)
    await line.pool.execute("update trigger.plan_step_task set task_id = $1 where step = 2", c)
    await line.run("a")
    await line.run("b")
    assert await line.states() == ["SUCCEEDED"]


async def test_a_step_whose_task_was_deleted_is_a_failure(line: Line) -> None:
    a, b, h = [await line.task(command) for command in "abh"]
    plan_id = await line.plan((a,), (b,), handler=h)
    await line.start(plan_id=plan_id)
    await line.pool.execute("delete from trigger.plan_step_task where task_id = $1", b)
    await line.pool.execute("delete from trigger.task where task_id = $1", b)
    await line.run("a")
    await line.run("h")
    [execution] = await line.executions()
    assert (execution["state"], execution["reason"], execution["failed_step"]) == ("FAILED", "task_missing", 2)


async def test_a_plan_whose_time_is_over_ends_its_runs_and_goes_to_its_handler(line: Line) -> None:
    await line.start(plan_id=await _nightly(line))
    await line.run("a")
    await line.take("b")
    await _deadline_has_come(line)
    lease = line.held["b"].pop()
    kept = await runs.keep_leases(line.pool, [(lease.run_id, lease.lease_id)], account_id=None, lease_seconds=30)
    assert kept == [lease.run_id], "the runner is told to kill it"
    assert not await line.take("c"), "what waited is cancelled"
    await line.take("h")
    await _deadline_has_come(line)
    await line.finish("h")
    [execution] = await line.executions()
    assert (execution["state"], execution["reason"]) == ("FAILED", "timed_out")
    assert [(row["command"], row["state"], row["reason"]) for row in await line.runs()] == [
        ("a", "SUCCEEDED", ""),
        ("b", "FAILED", "timed_out"),
        ("c", "CANCELLED", ""),
        ("h", "SUCCEEDED", ""),
    ]


async def test_a_handler_has_its_own_time(line: Line) -> None:
    await line.start(plan_id=await _nightly(line))
    await line.run("a", exit_code=1)
    await line.take("h")
    assert (await line.executions())[0]["deadline_at"] is None
    await line.finish("h")
    assert [row["reason"] for row in await line.executions()] == ["run_failed"]


async def test_the_time_of_a_plan_begins_with_its_first_run_and_not_while_it_waits(line: Line) -> None:
    await line.start(plan_id=await _nightly(line, timeout_seconds=60.0))
    assert (await line.executions())[0]["deadline_at"] is None
    await line.take("a")
    [execution] = await line.executions()
    assert (execution["deadline_at"] - execution["started_at"]).total_seconds() == 60


async def test_executions_of_a_plan_go_one_after_the_other_in_their_order(line: Line) -> None:
    plan_id = await _nightly(line)
    for _ in range(3):
        await line.start(plan_id=plan_id)
    for number in range(3):
        assert await line.turns() == [True] * (number + 1) + [False] * (2 - number)
        await line.run("a", exit_code=number % 2)
        if number % 2:
            await line.run("h")
            continue
        for command in "bcd":
            await line.run(command)
    assert await line.states() == ["SUCCEEDED", "FAILED", "SUCCEEDED"]


async def test_a_plans_tasks_do_not_count_towards_their_own_limits(line: Line) -> None:
    task_id = await line.task("a", queue_limit=limit(1))
    plan_id = await line.plan((task_id,), allow_parallel_runs=True)
    for _ in range(3):
        await line.start(plan_id=plan_id)
    assert (await line.start(task_id=task_id)).state == "PENDING"
    assert (await line.start(task_id=task_id)).state == "REJECTED"


async def test_a_lost_runner_fails_the_step(line: Line) -> None:
    await line.start(plan_id=await _nightly(line))
    await line.take("a")
    await line.pool.execute("update trigger.run set lease_until = now() - interval '1 second' where state = 'RUNNING'")
    await Rescuer(line.pool, acquire=lambda: None, announce=lambda: None).tick()
    await line.run("h")
    assert [(row["state"], row["reason"]) for row in await line.executions()] == [("FAILED", "runner_lost")]


@pytest.mark.parametrize("seed", range(12))
async def test_random_executions_go_the_way_that_the_rule_says(line: Line, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(4):
        steps = [chance.randint(1, 3) for _ in range(chance.randint(1, 4))]
        handled = chance.random() < 0.6
        handler = await line.task("h") if handled else 0
        plan_id = await line.plan(
            *[[await line.task(f"s{step}") for _ in range(size)] for step, size in enumerate(steps, 1)],
            handler=handler,
        )
        await line.start(plan_id=plan_id)
        at = Progress(steps=len(steps), step=1, unfinished=steps[0], has_handler=handled)
        while (move := next_move(at)) not in (Move.SUCCEED, Move.FAIL):
            if move is not Move.WAIT:
                at = moved(at, move, runs=steps[at.step] if move is Move.STEP else 1)
                continue
            command = "h" if at.handling else f"s{at.step}"
            assert await line.take(command)
            if chance.random() < 0.1 and not at.handling:
                await _deadline_has_come(line)
                line.held[command].clear()
                at = timed_out(at)
                continue
            succeeded = chance.random() < 0.8
            await line.finish(command, exit_code=0 if succeeded else 1)
            at = ended(at, succeeded=succeeded)
            execution = (await line.executions())[number]
            assert (execution["step"], execution["handling"]) == (
                (at.step, at.handling)
                if next_move(at) in (Move.WAIT, Move.SUCCEED, Move.FAIL)
                else (at.step + (next_move(at) is Move.STEP), at.handling or next_move(at) is Move.HANDLER)
            )
        assert (await line.states())[number] == ("SUCCEEDED" if move is Move.SUCCEED else "FAILED")
