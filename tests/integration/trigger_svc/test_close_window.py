"""A window closes by somebody's wish as it does by itself: once, with its execution, whatever comes in meanwhile."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from chassis.ids import ksuid
from tests.support.postgres import Database
from tests.support.trigger import Pod, call, pod

CLOSE = "select * from trigger.close_window($1, $2, $3)"
CLOSE_AT = "select * from trigger.close_window($1, $2, $3, $4)"
EMPTY = "select num_nulls(window_id, window_threshold, window_count, window_bytes, opened_at, deadline_at) from trigger.head"
CALLS = "select seq, window_id from trigger.call order by seq"


async def _close(one: Pod, trigger_id: int, reason: str) -> list[asyncpg.Record]:
    return await one.pool.fetch(CLOSE, trigger_id, reason, ["exe_" + ksuid(0)])


@pytest.mark.parametrize("reason", ["flush", "disabled"])
async def test_an_open_window_closes_with_its_execution(database: Database, reason: str) -> None:
    async with pod(database) as one:
        trigger, token = await one.trigger(threshold=5)
        await one.receive(call(token), call(token))
        [row] = await _close(one, trigger.trigger_id, reason)
        [window] = await one.windows()
        [execution] = await one.executions()
        assert (row["what"], row["reason"], row["size"], row["public_trigger_id"]) == (
            "CLOSED",
            reason,
            2,
            trigger.public_id,
        )
        assert (row["execution_id"], execution["window_id"]) == (execution["public_id"], window["window_id"])
        assert (window["state"], window["size"], window["close_reason"]) == ("CLOSED", 2, reason)
        assert await one.pool.fetchval(EMPTY) == 6
        await one.receive(call(token))
        assert [row["seq"] for row in await one.pool.fetch(CALLS)] == [1, 2, 3]


async def test_no_window_is_none_to_close(database: Database) -> None:
    async with pod(database) as one:
        trigger, token = await one.trigger(threshold=5)
        assert await _close(one, trigger.trigger_id, "flush") == []
        assert await _close(one, trigger.trigger_id + 1, "flush") == []
        await one.receive(call(token))
        assert len(await _close(one, trigger.trigger_id, "flush")) == 1
        assert await _close(one, trigger.trigger_id, "flush") == []
        assert len(await one.executions()) == 1


async def test_a_window_past_its_deadline_closed_for_that(database: Database) -> None:
    async with pod(database) as one:
        trigger, token = await one.trigger(threshold=5, duration_seconds=60.0)
        await one.receive(call(token))
        late = (await one.windows())[0]["deadline_at"] + timedelta(seconds=1)
        [row] = await one.pool.fetch(CLOSE_AT, trigger.trigger_id, "disabled", ["exe_" + ksuid(0)], late)
        assert (row["reason"], row["seconds"]) == ("deadline", 1.0)


async def test_a_discarded_window_is_gone_with_its_calls_and_no_other(database: Database) -> None:
    async with pod(database) as one:
        trigger, token = await one.trigger(threshold=3)
        _, other = await one.trigger(threshold=3)
        await one.receive(*(call(token) for _ in range(5)), call(other))
        [row] = await _close(one, trigger.trigger_id, "discarded")
        assert (row["what"], row["size"], row["public_trigger_id"]) == ("DISCARDED", 2, trigger.public_id)
        assert sorted(row["seq"] for row in await one.pool.fetch(CALLS)) == [1, 1, 2, 3]
        assert len(await one.executions()) == 1
        windows: list[Any] = await one.windows()
        assert sorted((window["trigger_id"], window["state"]) for window in windows) == [
            (trigger.trigger_id, "CLOSED"),
            (windows[-1]["trigger_id"], "OPEN"),
        ]


async def test_flushes_by_wish_among_calls_lose_nothing(database: Database) -> None:
    async with pod(database, connections=6) as one, pod(database) as two:
        trigger, token = await one.trigger(threshold=7)

        async def close_often() -> None:
            for _ in range(30):
                await _close(two, trigger.trigger_id, "flush")
                await asyncio.sleep(0)

        async def call_often() -> list[str]:
            return [call_id for _ in range(20) for call_id in await one.receive(*(call(token) for _ in range(5)))]

        ids, *_ = await asyncio.gather(call_often(), close_often(), close_often())
        await _close(two, trigger.trigger_id, "flush")
        assert len(set(ids)) == 100
        windows = await one.windows()
        assert sum(window["size"] for window in windows) == 100
        assert {window["close_reason"] for window in windows} <= {"flush", "threshold"}
        assert [execution["window_id"] for execution in await one.executions()] == [w["window_id"] for w in windows]
        assert [row["seq"] for row in await one.pool.fetch(CALLS)] == list(range(1, 101))
