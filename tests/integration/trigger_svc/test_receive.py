"""Calls in: what a 204 means, and what a call that gets none leaves behind (nothing)."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from chassis.errors import InvalidInput, NotFound, ResourceExhausted
from tests.support.postgres import Database
from tests.support.trigger import Pod, call, pod
from trigger_svc.element import element

SET_DEADLINE = """
with head as (update trigger.head set deadline_at = $2 where trigger_id = $1)
update trigger.window set deadline_at = $2 where trigger_id = $1 and state = 'OPEN'
"""
DISABLE = "update trigger.head set enabled = false where trigger_id = $1"
CALLS = "select * from trigger.call order by trigger_id, seq"


async def test_the_call_that_fills_a_window_sets_one_execution_going_in_its_commit(database: Database) -> None:
    async with pod(database) as one:
        trigger, token = await one.trigger(threshold=2)
        await one.receive(call(token))
        assert await one.executions() == []
        await one.receive(call(token))
        [execution] = await one.executions()
        assert (execution["task_id"], execution["trigger_id"], execution["call_count"]) == (
            trigger.task_id,
            trigger.trigger_id,
            2,
        )
        [run] = await one.pool.fetch("select * from trigger.run")
        assert run["execution_id"] == execution["execution_id"]
        assert run["due_at"] is not None
        assert run["run_reason"] == "Triggered by webhook orders"


async def test_two_thousand_calls_at_once_make_two_hundred_windows_of_ten(database: Database) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=10, duration_seconds=60.0)
        ids = await one.receive(*(call(token, b'{"n":%d}' % number) for number in range(2000)))
        assert len(set(ids)) == 2000
        windows = await one.windows()
        assert [(window["size"], window["close_reason"]) for window in windows] == [(10, "threshold")] * 200
        assert len(await one.executions()) == 200
        stored = await one.pool.fetch(CALLS)
        assert [row["seq"] for row in stored] == list(range(1, 2001))
        assert [row["call_id"] for row in stored] == ids, "calls of one pod stand in the order in which they came"


async def test_a_lone_call_fires_after_the_duration(database: Database) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=10, duration_seconds=1.0)
        await one.receive(call(token))
        while not await one.executions():
            await one.closer.tick()
            await asyncio.sleep(0.01)  # time itself is what is waited for
        [window] = await one.windows()
        assert (window["size"], window["close_reason"]) == (1, "deadline")
        assert 1.0 <= (window["closed_at"] - window["opened_at"]).total_seconds() < 1.5


async def test_a_call_after_the_deadline_closes_the_window_and_opens_another(database: Database) -> None:
    async with pod(database) as one:
        trigger, token = await one.trigger(threshold=10)
        await one.receive(call(token))
        await _expire(one, trigger.trigger_id)
        await one.receive(call(token))
        first, second = await one.windows()
        assert (first["state"], first["size"], first["close_reason"]) == ("CLOSED", 1, "deadline")
        assert second["state"] == "OPEN"
        assert second["opened_at"] >= first["closed_at"]
        assert len(await one.executions()) == 1


async def test_the_last_call_and_the_deadline_in_the_same_instant_close_the_window_once(database: Database) -> None:
    async with pod(database) as one, pod(database) as other:
        for number in range(40):
            trigger, token = await one.trigger(threshold=2)
            await one.receive(call(token))
            # Later and later: a busy machine needs longer for the call.
            await _expire(one, trigger.trigger_id, milliseconds=number % 8 * (1 + number // 2))
            await asyncio.gather(one.receive(call(token)), other.closer.tick(), one.closer.tick())
            while not any(row["trigger_id"] == trigger.trigger_id for row in await one.executions()):
                await one.closer.tick()
        closed = [window for window in await one.windows() if window["state"] == "CLOSED"]
        assert len(closed) == len({window["trigger_id"] for window in closed}) == 40
        assert {(window["size"], window["close_reason"]) for window in closed} == {(2, "threshold"), (1, "deadline")}
        assert len(await one.executions()) == 40


async def test_a_disabled_trigger_takes_nothing_even_while_its_token_is_remembered(database: Database) -> None:
    async with pod(database) as one:
        trigger, token = await one.trigger()
        await one.receive(call(token))
        await one.pool.execute(DISABLE, trigger.trigger_id)
        with pytest.raises(NotFound):
            await one.receive(call(token))
        assert len(await one.pool.fetch(CALLS)) == 1


async def test_a_refused_call_neither_opens_a_window_nor_counts(database: Database) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=2)
        for body, media_type in ((b"a", ""), (b"a", "image/png"), (b"\xff", "text/plain"), (b"a", "text/plain, a/b")):
            with pytest.raises(InvalidInput):
                await one.receive(call(token, body, media_type))
        for bad in ("", "x", token[:-1], token + "/", "A" * 43):
            with pytest.raises(NotFound):
                await one.receive(call(bad))
        with pytest.raises(ResourceExhausted):
            await one.receive(call(token, b"x" * (1024 * 1024 + 1), "text/plain"))
        assert await one.windows() == []
        await one.receive(call(token))
        [window] = await one.windows()
        assert (window["state"], window["first_seq"]) == ("OPEN", 1)


async def test_bodies_are_kept_to_the_byte(database: Database) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=100)
        bodies = [b'{"a":1}', b'{"a": 1}', b"", b"a\x00b", b'"\\u0000\\ud800"', b"\xef\xbb\xbf{}", b"x" * 1024 * 1024]
        await one.receive(*(call(token, body, "application/json") for body in bodies))
        assert [row["body"] for row in await one.pool.fetch(CALLS)] == bodies


async def test_a_window_closes_before_a_call_that_does_not_fit_its_bytes(database: Database) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=100, task={"kind": "big_data"})
        await one.receive(*(call(token, b"x" * 1000, "text/plain") for _ in range(6)))
        first, second = await one.windows()
        size = len(element("text/plain", b"x" * 1000)) + 1
        assert (first["size"], first["close_reason"], first["bytes"]) == (4, "bytes", 1 + 4 * size)
        assert second["state"] == "OPEN"


async def test_the_limit_of_a_big_data_task_counts_the_serialised_payload(database: Database) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=1, task={"kind": "big_data"})
        most = 5 * 1024 - len('[{"data":"","type":"text/plain"}]')
        await one.receive(call(token, b"x" * most, "text/plain"))
        for body in (b"x" * (most + 1), b"\n" * (most // 2 + 1)):
            with pytest.raises(ResourceExhausted) as refused:
                await one.receive(call(token, body, "text/plain"))
            assert refused.value.reason == "CALL_TOO_LARGE"
        assert [window["bytes"] for window in await one.windows()] == [5 * 1024]


async def test_a_call_that_the_database_refuses_fails_alone(database: Database) -> None:
    async with pod(database) as one:
        small, token = await one.trigger(threshold=100)
        _, other = await one.trigger(threshold=100)
        await one.receive(call(token), call(other))
        await one.pool.execute("update trigger.head set max_bytes = 100 where trigger_id = $1", small.trigger_id)
        answers = await asyncio.gather(
            *(one.id_of(call(token if number == 7 else other, b"x" * 90, "text/plain")) for number in range(20)),
            return_exceptions=True,
        )
        assert [number for number, answer in enumerate(answers) if isinstance(answer, ResourceExhausted)] == [7]
        assert len(await one.pool.fetch(CALLS)) == 2 + 19


async def test_calls_of_several_triggers_do_not_mix_when_one_of_them_takes_none(database: Database) -> None:
    async with pod(database) as one:
        made = [await one.trigger(threshold=100) for _ in range(5)]
        for trigger, _ in (made[0], made[2]):
            await one.pool.execute(DISABLE, trigger.trigger_id)
        answers = await asyncio.gather(
            *(one.id_of(call(token, token.encode())) for _, token in made for _ in range(3)),
            return_exceptions=True,
        )
        assert [isinstance(answer, str) for answer in answers] == [False] * 3 + [True] * 3 + [False] * 3 + [True] * 6
        stored = {(row["trigger_id"], row["call_id"], row["body"].decode()) for row in await one.pool.fetch(CALLS)}
        assert stored == {
            (trigger.trigger_id, answers[3 * place + number], token)
            for place, (trigger, token) in enumerate(made)
            for number in range(3)
            if place not in (0, 2)
        }


async def test_window_numbers_rise_within_a_trigger_and_ranges_join(database: Database) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=3)
        await one.receive(*(call(token) for _ in range(30)))
        windows = await one.windows()
        assert all(after["first_seq"] == before["first_seq"] + before["size"] for before, after in pairwise(windows))


async def _expire(one: Pod, trigger_id: int, milliseconds: float = 0) -> None:
    """Moves the deadline of the open window to this many milliseconds from now."""
    now = await one.pool.fetchval("select clock_timestamp()")
    await one.pool.execute(SET_DEADLINE, trigger_id, now + timedelta(milliseconds=milliseconds))
