"""Executions that are asked for: started by hand or by a schedule, again, cancelled, paused; and what cannot be executed."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import asyncpg
import pytest

from chassis.errors import AlreadyExists, FailedPrecondition, InvalidInput, NotFound, ResourceExhausted
from tests.support.executions import Line, limit
from tests.support.postgres import Database
from tests.support.trigger import ACCOUNT, call, pod
from trigger_svc.cancel import cancel
from trigger_svc.execution import Execution, Wish
from trigger_svc.pause import pause_plan, pause_task
from trigger_svc.read_payload import read_execution_payload, read_payload
from trigger_svc.rerun import rerun
from trigger_svc.start_execution import start_execution
from trigger_svc.store import run as runs
from trigger_svc.task import PAYLOAD, Parameter


@pytest.fixture
async def line(database: Database) -> AsyncIterator[Line]:
    async with pod(database) as one:
        yield Line(pod=one)


async def _start(line: Line, **changes: object) -> Execution:
    values: dict[str, object] = {
        "task_id": 0,
        "plan_id": 0,
        "parameters": {},
        "payload": b"",
        "reason": "",
        "request_id": "",
    }
    return await start_execution(line.pool, line.pod.clock, Wish(**(values | {"account_id": ACCOUNT} | changes)))  # type: ignore[arg-type]


async def _again(line: Line, execution: str, *, from_failed_step: bool = False) -> Execution:
    return await rerun(line.pool, line.pod.clock, ACCOUNT, execution, from_failed_step=from_failed_step)


async def _cancel(line: Line, number: int = 0) -> Execution:
    return await cancel(line.pool, ACCOUNT, (await line.executions())[number]["public_id"])


async def _payload(line: Line, execution: str) -> bytes:
    return b"".join([chunk async for chunk in read_execution_payload(line.pool, ACCOUNT, execution)])


async def _ids(line: Line) -> list[str]:
    return [row["public_id"] for row in await line.executions()]


# By hand


async def test_a_start_by_hand_executes_with_its_payload_parameters_and_reason(line: Line) -> None:
    task_id = await line.task(
        parameters=(Parameter(name=PAYLOAD, default_value=""), Parameter(name="p", default_value="1"))
    )
    payload = b'["any \xc3\xa9 text"]' * 40_000
    started = await _start(line, task_id=task_id, parameters={"p": "2"}, payload=payload, reason="a hunch")
    assert (started.state, started.cause, started.payload_bytes, started.call_count) == (
        "PENDING",
        "manual",
        len(payload),
        0,
    )
    await line.take()
    lease = line.held["a"][0]
    assert b"".join([chunk async for chunk in read_payload(line.pool, lease)]) == payload
    assert await _payload(line, started.public_id) == payload
    order = await runs.order_of(line.pool, lease)
    assert order is not None
    assert (order.parameters, order.has_payload) == ({"p": "2"}, True)
    assert (await line.runs())[0]["run_reason"] == "a hunch"


async def test_a_start_without_payload_has_none_and_its_run_takes_none(line: Line) -> None:
    started = await _start(line, task_id=await line.task())
    await line.take()
    order = await runs.order_of(line.pool, line.held["a"][0])
    assert order is not None
    assert (order.has_payload, order.parameters) == (False, {})
    with pytest.raises(NotFound, match="no payload"):
        await _payload(line, started.public_id)


async def test_a_start_that_comes_again_gets_the_same_execution_and_another_wish_under_its_id_is_refused(
    line: Line,
) -> None:
    task_id, other = await line.task(), await line.task("b")
    started = await asyncio.gather(*(_start(line, task_id=task_id, request_id="r 1") for _ in range(3)))
    assert len({one.public_id for one in started}) == 1
    wishes: list[dict[str, object]] = [
        {"task_id": other},
        {"task_id": task_id, "payload": b"1"},
        {"task_id": task_id, "reason": "x"},
    ]
    for wish in wishes:
        with pytest.raises(AlreadyExists):
            await _start(line, request_id="r 1", **wish)
    assert (await _start(line, task_id=task_id, request_id="r 2")).public_id != started[0].public_id


async def test_a_start_is_refused_with_every_bad_field(line: Line) -> None:
    task_id = await line.task(kind="big_data", parameters=(Parameter(name=PAYLOAD, default_value=""),))
    plain = await line.task("b", parameters=())
    cases: list[tuple[dict[str, object], set[str]]] = [
        ({}, {"task_id"}),
        ({"task_id": task_id, "plan_id": 1}, {"task_id"}),
        ({"task_id": task_id, "reason": "x" * 256, "request_id": "é"}, {"reason", "request_id"}),
        ({"task_id": task_id, "payload": b"\xff"}, {"payload"}),
        ({"task_id": task_id, "payload": b"x" * 5_121}, {"payload"}),
        ({"task_id": plain, "payload": b"[]"}, {"payload"}),
        ({"task_id": plain, "parameters": {"p": "1", PAYLOAD: ""}}, {"parameters['p']", f"parameters['{PAYLOAD}']"}),
        ({"task_id": plain, "parameters": {"p": "\x00"}}, {"parameters['p']"}),
    ]
    for wish, fields in cases:
        with pytest.raises(InvalidInput) as refused:
            await _start(line, **wish)
        assert {bad.field for bad in refused.value.fields} == fields
    nobodys: list[dict[str, object]] = [{"task_id": 99}, {"plan_id": 99}, {"task_id": task_id, "account_id": 1}]
    for wish in nobodys:
        with pytest.raises(NotFound):
            await _start(line, **wish)
    assert await line.executions() == []


async def test_beyond_the_limit_in_mode_reject_a_start_is_refused_and_makes_nothing(line: Line) -> None:
    task_id = await line.task(queue_limit=limit(1, "reject"))
    await _start(line, task_id=task_id)
    with pytest.raises(ResourceExhausted, match="limit"):
        await _start(line, task_id=task_id)
    await line.run()
    assert len(await line.executions()) == 1
    await _start(line, task_id=task_id)
    with pytest.raises(ResourceExhausted):
        await _again(line, (await _ids(line))[0])


# Again


async def test_a_rerun_gets_the_identical_array_whatever_happened_since(line: Line) -> None:
    task_id = await line.task()
    token = await line.webhook(task_id=task_id, threshold=150)
    await line.pod.receive(*(call(token, bytes([65 + n % 26]) * n * 40, "text/plain") for n in range(150)))
    first = (await _ids(line))[0]
    await line.run(exit_code=1)
    await line.pool.execute("update trigger.trigger set data_mode = 'talend_raw'")
    second = await _again(line, first)
    await line.run()
    third = await _again(line, second.public_id)
    hashes = {hashlib.sha256(await _payload(line, one)).digest() for one in (first, second.public_id, third.public_id)}
    assert len(hashes) == 1
    assert (second.cause, second.rerun_of, second.call_count, second.window_id) == ("rerun", first, 150, 0)
    await line.take()
    ran = b"".join([chunk async for chunk in read_payload(line.pool, line.held["a"][0])])
    assert hashlib.sha256(ran).digest() in hashes
    assert (second.payload_bytes, third.rerun_of) == (len(ran), second.public_id)


async def test_rejected_and_cancelled_executions_can_be_executed_again(line: Line) -> None:
    token = await line.webhook(task_id=await line.task(queue_limit=limit(1)))
    await line.pod.receive(call(token, b"1"), call(token, b"2"))
    assert await line.states() == ["PENDING", "REJECTED"]
    await _cancel(line)
    rejected = (await _ids(line))[1]
    again = await _again(line, rejected)
    assert again.state == "PENDING"
    assert await _payload(line, again.public_id) == await _payload(line, rejected)


async def test_a_rerun_from_the_failed_step_leaves_out_what_succeeded(line: Line) -> None:
    a, b, c = [await line.task(command) for command in "abc"]
    plan_id = await line.plan((a,), (b,), (c,))
    await _start(line, plan_id=plan_id, payload=b"[7]")
    await line.run("a")
    await line.run("b", exit_code=1)
    failed = (await _ids(line))[0]
    await line.pool.execute("update trigger.plan_step_task set task_id = $1 where step = 3", b)  # an edit since
    again = await _again(line, failed, from_failed_step=True)
    assert await _payload(line, again.public_id) == b"[7]"
    assert not await line.take("a")
    await line.run("b")
    await line.run("c")
    assert await line.states() == ["FAILED", "SUCCEEDED"]
    await _again(line, failed)
    await line.run("a")
    await line.run("b")
    await line.run("b")
    assert await line.states() == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert [row["takes_payload"] for row in await line.runs()] == [True, False, False, False, True, False, False]


async def test_a_rerun_is_refused_while_the_first_is_under_way_and_where_no_step_failed(line: Line) -> None:
    await _start(line, task_id=await line.task())
    [execution] = await _ids(line)
    with pytest.raises(FailedPrecondition) as refused:
        await _again(line, execution)
    assert refused.value.reason == "NOT_FINISHED"
    await line.run(exit_code=1)
    with pytest.raises(FailedPrecondition) as refused:
        await _again(line, execution, from_failed_step=True)
    assert refused.value.reason == "NO_FAILED_STEP"
    with pytest.raises(NotFound):
        await rerun(line.pool, line.pod.clock, 1, execution, from_failed_step=False)
    await line.pool.execute("delete from trigger.task")
    with pytest.raises(FailedPrecondition) as refused:
        await _again(line, execution)
    assert refused.value.reason == "TARGET_MISSING"


# Cancelled


async def test_cancelled_in_each_state_the_runs_end_and_the_next_one_gets_the_turn(line: Line) -> None:
    task_id = await line.task()
    for number, (taken, begun) in enumerate([(False, False), (True, False), (True, True)]):
        await _start(line, task_id=task_id)
        await _start(line, task_id=task_id)
        if taken:
            await line.take(begin=begun)
        cancelled = await _cancel(line, 2 * number)
        assert (cancelled.state, [run.state for run in cancelled.runs]) == ("CANCELLED", ["CANCELLED"])
        for lease in line.held.pop("a", []):
            lost = await runs.keep_leases(
                line.pool, [(lease.run_id, lease.lease_id)], account_id=None, lease_seconds=30
            )
            assert lost == [lease.run_id], "its runner is told to kill it"
        await line.run()
    assert await line.states() == ["CANCELLED", "SUCCEEDED"] * 3


async def test_cancelling_what_waits_for_its_turn_leaves_the_one_before_alone(line: Line) -> None:
    task_id = await line.task()
    for _ in range(3):
        await _start(line, task_id=task_id)
    await line.take()
    await _cancel(line, 1)
    await line.finish()
    await line.run()
    assert await line.states() == ["SUCCEEDED", "CANCELLED", "SUCCEEDED"]


async def test_cancelling_may_be_repeated_and_what_is_final_otherwise_stays_so(line: Line) -> None:
    task_id = await line.task()
    await _start(line, task_id=task_id)
    for _ in range(2):
        assert (await _cancel(line)).state == "CANCELLED"
    await _start(line, task_id=task_id)
    await line.run()
    with pytest.raises(FailedPrecondition) as refused:
        await _cancel(line, 1)
    assert refused.value.reason == "FINISHED"
    with pytest.raises(NotFound):
        await cancel(line.pool, 1, (await _ids(line))[1])


async def test_a_report_on_a_cancelled_run_is_not_believed(line: Line) -> None:
    await _start(line, task_id=await line.task())
    await line.take()
    await _cancel(line)
    with pytest.raises(FailedPrecondition, match="no longer held"):
        await line.finish()
    assert await line.states() == ["CANCELLED"]


async def test_a_cancelled_plan_starts_neither_its_next_step_nor_its_handler(line: Line) -> None:
    a, b, c, h = [await line.task(command) for command in "abch"]
    await _start(line, plan_id=await line.plan((a, b), (c,), handler=h))
    await line.take("a")
    await line.finish("a", exit_code=1)
    await line.take("b")
    await _cancel(line)
    assert not any([await line.take(command) for command in "bch"])
    assert await line.run_states() == [("a", "FAILED"), ("b", "CANCELLED")]


async def test_each_cancelled_run_is_told_of_once_as_completed(line: Line) -> None:
    task_id = await line.task()
    await _start(line, task_id=task_id)
    await _start(line, task_id=task_id)
    await line.take()
    for number in (0, 0, 1):
        await _cancel(line, number)
    assert await line.told() == [
        ("job.run.started", "RUNNING"),
        ("job.run.completed", "CANCELLED"),
        ("job.run.completed", "CANCELLED"),
    ]


async def test_a_cancel_that_races_with_starts_and_ends_of_runs_leaves_no_half_done_execution(
    database: Database,
) -> None:
    async with pod(database, connections=8) as one:
        line = Line(pod=one)
        tasks = [await line.task(command) for command in "xy"]
        plan_id = await line.plan(tasks, tasks, allow_parallel_runs=True)
        for number in range(15):
            await line.start(plan_id=plan_id)
            await line.take("x", begin=number % 2 == 0)
            await line.take("y")
            doing = [_cancel(line, number), line.finish("y"), line.take("x"), line.take("y")]
            if number % 2 == 0:
                doing.append(line.finish("x"))
            results = await asyncio.gather(*doing, return_exceptions=True)
            bad = [one for one in results if isinstance(one, Exception) and not isinstance(one, FailedPrecondition)]
            assert bad == []
            line.held.clear()
        assert set(await line.states()) == {"CANCELLED"}
        assert {state for _, state in await line.run_states()} <= {"CANCELLED", "SUCCEEDED"}


# Paused


async def test_a_paused_task_takes_calls_and_holds_its_executions_until_it_is_resumed(line: Line) -> None:
    task_id = await line.task()
    token = await line.webhook(task_id=task_id)
    await line.pod.receive(call(token, b"1"), call(token, b"2"))
    assert await line.turns() == [True, False]
    await pause_task(line.pool, ACCOUNT, task_id, paused=True)
    await line.pod.receive(call(token, b"3"))
    assert await line.turns() == [False, False, False], "also the one that no runner had taken yet"
    assert not await line.take()
    await pause_task(line.pool, ACCOUNT, task_id, paused=False)
    for number in range(3):
        assert await line.turns() == [True] * (number + 1) + [False] * (2 - number)
        await line.run()


async def test_what_a_runner_has_goes_on_while_its_task_is_paused_and_nothing_follows(line: Line) -> None:
    task_id = await line.task()
    for _ in range(2):
        await _start(line, task_id=task_id)
    await line.take(begin=False)
    await pause_task(line.pool, ACCOUNT, task_id, paused=True)
    [lease] = line.held["a"]
    assert await runs.start(line.pool, lease, lease_seconds=30)
    await line.finish()
    assert await line.turns() == [True, False]
    for _ in range(2):  # repeatable
        await pause_task(line.pool, ACCOUNT, task_id, paused=False)
    await line.run()


async def test_all_executions_of_a_task_with_parallel_runs_are_released_at_once(line: Line) -> None:
    task_id = await line.task(allow_parallel_runs=True)
    await pause_task(line.pool, ACCOUNT, task_id, paused=True)
    for _ in range(3):
        await _start(line, task_id=task_id)
    assert await line.turns() == [False] * 3
    await pause_task(line.pool, ACCOUNT, task_id, paused=False)
    assert [await line.take() for _ in range(4)] == [True, True, True, False]


async def test_a_paused_plan_goes_on_with_the_execution_that_has_begun(line: Line) -> None:
    plan_id = await line.plan((await line.task("a"),), (await line.task("b"),))
    for _ in range(2):
        await _start(line, plan_id=plan_id)
    await line.take("a")
    await pause_plan(line.pool, ACCOUNT, plan_id, paused=True)
    await line.finish("a")
    await line.run("b")
    assert not await line.take("a")
    await pause_plan(line.pool, ACCOUNT, plan_id, paused=False)
    await line.run("a")


async def test_only_its_own_account_pauses_a_task_or_plan(line: Line) -> None:
    task_id = await line.task()
    plan_id = await line.plan((task_id,))
    for account_id, number in ((1, task_id), (ACCOUNT, 99), (ACCOUNT, 0), (ACCOUNT, -plan_id)):
        with pytest.raises(NotFound):
            await pause_task(line.pool, account_id, number, paused=True)
    for account_id, number in ((1, plan_id), (ACCOUNT, 99), (ACCOUNT, 0), (ACCOUNT, -task_id)):
        with pytest.raises(NotFound):
            await pause_plan(line.pool, account_id, number, paused=True)


# What cannot be executed


async def test_a_task_that_lost_its_parameter_fails_and_keeps_the_payload(line: Line) -> None:
    task_id = await line.task()
    token = await line.webhook(task_id=task_id)
    await line.pool.execute("update trigger.task set parameters = '[]'")
    await line.pod.receive(call(token, b"1"))
    [execution] = await line.executions()
    assert (execution["state"], execution["reason"]) == ("FAILED", "parameter_missing")
    assert [(row["state"], row["reason"]) for row in await line.runs()] == [("FAILED", "parameter_missing")]
    assert await line.told() == [("job.run.errored", "FAILED"), ("job.run.completed", "FAILED")]
    assert b'"1"' in await _payload(line, execution["public_id"])
    assert not await line.take()


async def test_a_failure_before_the_start_leaves_the_turn_to_others(line: Line) -> None:
    task_id = await line.task()
    token = await line.webhook(task_id=task_id)
    await line.pool.execute("update trigger.task set parameters = '[]'")
    await line.pod.receive(call(token, b"1"))
    await _start(line, task_id=task_id)
    await line.run()
    assert await line.states() == ["FAILED", "SUCCEEDED"]


async def test_a_rerun_whose_task_was_deleted_fails_as_task_missing(line: Line) -> None:
    a, b = await line.task("a"), await line.task("b")
    plan_id = await line.plan((a,), (b,))
    await _start(line, plan_id=plan_id)
    await line.run("a")
    await line.run("b", exit_code=1)
    await line.pool.execute("delete from trigger.plan_step_task where step = 2")
    await line.pool.execute("delete from trigger.task where task_id = $1", b)
    again = await _again(line, (await _ids(line))[0], from_failed_step=True)
    assert (again.state, again.reason, again.runs) == ("FAILED", "task_missing", ())


async def test_an_edit_of_the_task_does_not_reach_a_run_that_waits(line: Line) -> None:
    task_id = await line.task(slots={"target": "prod"})
    await _start(line, task_id=task_id)
    await line.pool.execute('update trigger.task set slots = \'{"target": "dev"}\', timeout_seconds = 60')
    await line.take()
    order = await runs.order_of(line.pool, line.held["a"][0])
    assert order is not None
    assert (order.slots, order.timeout_seconds) == ({"target": "prod"}, 3600)


async def test_two_executions_never_have_the_turn_whatever_is_written(line: Line) -> None:
    plan_id = await line.plan((await line.task(),))
    for _ in range(2):
        await _start(line, plan_id=plan_id)
    with pytest.raises(asyncpg.UniqueViolationError, match="execution_turn"):
        await line.pool.execute("update trigger.execution set turn_at = clock_timestamp()")
