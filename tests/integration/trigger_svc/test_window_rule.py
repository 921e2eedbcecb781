"""The SQL function and the rule in Python cut the same calls into the same windows."""

import random
import uuid
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from chassis.ids import ksuid
from tests.support.postgres import Database
from tests.support.trigger import Pod, pod
from trigger_svc.window import Head, Window, take_in

RECEIVE = """
select what, trigger_id from trigger.receive_calls($1, $2, $3, $4, null, $5, $6, $7, $8, null, null, '{}', '{}', $9, false, $10)
"""
CLOSE = "select window_id from trigger.close_expired(100, $1, $2)"


@pytest.mark.parametrize("seed", range(12))
async def test_random_histories_end_in_the_windows_that_the_rule_says(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    async with pod(database) as one:
        heads = {}
        for _ in range(4):
            head = Head(threshold=chance.randint(1, 6), duration=timedelta(seconds=chance.randint(1, 5)), max_bytes=400)
            heads[await _a_trigger(one, head)] = head
        closed: dict[int, list[Window]] = {trigger_id: [] for trigger_id in heads}
        now: datetime = await one.pool.fetchval("select clock_timestamp()")
        for _ in range(25):
            now += timedelta(milliseconds=chance.choice([0, 1, 300, 999, 1000, 4000]))
            if chance.random() < 0.2:
                await one.pool.fetch(CLOSE, _execution_ids(100), now)
                _close_expired(heads, closed, now)
            batch = {
                trigger_id: [
                    chance.randint(2, 399) if chance.random() < 0.3 else 20 for _ in range(chance.randint(1, 9))
                ]
                for trigger_id in sorted(chance.sample(sorted(heads), chance.randint(1, 4)))
            }
            await _receive(one.pool, batch, now)
            for trigger_id, sizes in batch.items():
                heads[trigger_id], more = take_in(heads[trigger_id], sizes, now)
                closed[trigger_id] += more
        for trigger_id, head in heads.items():
            open_window = [head.window] if head.window else []
            assert await _stored(one.pool, trigger_id) == [
                _shown(window) for window in closed[trigger_id] + open_window
            ]


async def _a_trigger(one: Pod, head: Head) -> int:
    trigger, _ = await one.trigger(threshold=head.threshold, duration_seconds=head.duration.total_seconds())
    await one.pool.execute(
        "update trigger.head set max_bytes = $2 where trigger_id = $1", trigger.trigger_id, head.max_bytes
    )
    return trigger.trigger_id


def _close_expired(heads: dict[int, Head], closed: dict[int, list[Window]], now: datetime) -> None:
    for trigger_id, head in heads.items():
        if head.window and head.window.deadline_at <= now:
            heads[trigger_id], more = take_in(head, [], now)
            closed[trigger_id] += more


async def _receive(pool: asyncpg.Pool, batch: dict[int, list[int]], now: datetime) -> None:
    counts = [len(sizes) for sizes in batch.values()]
    total = sum(counts)
    await pool.fetch(
        RECEIVE,
        uuid.uuid4(),
        list(batch),
        [1 + sum(counts[:place]) for place in range(len(counts))],
        counts,
        ["cal_" + ksuid(0) for _ in range(total)],
        ["text/plain"] * total,
        [b"x"] * total,
        [size for sizes in batch.values() for size in sizes],
        _execution_ids(total + len(counts)),
        now,
    )


def _execution_ids(count: int) -> list[str]:
    return ["exe_" + ksuid(0) for _ in range(count)]


async def _stored(pool: asyncpg.Pool, trigger_id: int) -> list[dict[str, Any]]:
    rows = await pool.fetch(
        """
        select w.threshold, w.first_seq, w.opened_at, w.deadline_at, coalesce(w.size, h.window_count) as size,
               coalesce(w.bytes, h.window_bytes) as bytes, w.closed_at, w.close_reason
          from trigger.window w join trigger.head h on h.trigger_id = w.trigger_id
         where w.trigger_id = $1 order by w.window_id
        """,
        trigger_id,
    )
    return [dict(row) for row in rows]


def _shown(window: Window) -> dict[str, Any]:
    return {
        "threshold": window.threshold,
        "first_seq": window.first_seq,
        "opened_at": window.opened_at,
        "deadline_at": window.deadline_at,
        "size": window.size,
        "bytes": window.bytes,
        "closed_at": window.closed_at,
        "close_reason": window.close_reason,
    }
