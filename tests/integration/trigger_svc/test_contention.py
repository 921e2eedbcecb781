"""Calls whose trigger others hold, and commits that break: nobody is delayed, overtaken, lost or stored in halves."""

import asyncio
from typing import Any

import asyncpg
import pytest

from chassis.errors import Unavailable
from tests.support.postgres import Database
from tests.support.trigger import call, pod
from trigger_svc import receive
from trigger_svc.ingest import Arrival, Outcome
from trigger_svc.store import head as heads
from trigger_svc.store.head import Flushed

CALLS = "select * from trigger.call order by trigger_id, seq"


async def test_a_locked_trigger_delays_nobody_else(database: Database) -> None:
    async with pod(database) as one:
        held, token = await one.trigger(threshold=100)
        _, other = await one.trigger(threshold=100)
        await one.receive(call(token), call(other))
        async with one.pool.acquire() as holder, holder.transaction():
            await holder.execute("select from trigger.head where trigger_id = $1 for update", held.trigger_id)
            waiting = [asyncio.create_task(one.id_of(call(token, b"%d" % number))) for number in range(5)]
            async with asyncio.timeout(1):
                for _ in range(20):
                    await one.receive(call(other))
            assert not any(task.done() for task in waiting)
        ids = await asyncio.gather(*waiting)
        stored = await one.pool.fetch(
            "select call_id from trigger.call where trigger_id = $1 order by seq", held.trigger_id
        )
        assert [row["call_id"] for row in stored][1:] == ids, "nobody overtook"


async def test_a_call_is_refused_when_its_trigger_stays_locked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "PATIENCE_SECONDS", 0.3)
    async with pod(database) as one:
        held, token = await one.trigger()
        async with one.pool.acquire() as holder, holder.transaction():
            await holder.execute("select from trigger.head where trigger_id = $1 for update", held.trigger_id)
            with pytest.raises(Unavailable) as refused:
                await one.receive(call(token))
        assert (refused.value.reason, refused.value.retry_after) == ("TRIGGER_BUSY", 1.0)
        assert await one.pool.fetch(CALLS) == []
        await one.receive(call(token))


async def test_a_long_line_for_a_locked_trigger_is_taken_in_order_once_it_is_free(database: Database) -> None:
    async with pod(database) as one:
        held, token = await one.trigger(threshold=10_000)
        _, other = await one.trigger(threshold=10_000)
        async with one.pool.acquire() as holder, holder.transaction():
            await holder.execute("select from trigger.head where trigger_id = $1 for update", held.trigger_id)
            # More than a group holds, among calls of another trigger.
            waiting = [asyncio.create_task(one.id_of(call(token if number % 3 else other))) for number in range(2_000)]
            await asyncio.sleep(0.1)
        ids = await asyncio.gather(*waiting)
        stored = await one.pool.fetch(
            "select call_id from trigger.call where trigger_id = $1 order by seq", held.trigger_id
        )
        assert [row["call_id"] for row in stored] == [one for number, one in enumerate(ids) if number % 3]


async def test_a_call_never_overtakes_one_that_was_passed_over(database: Database) -> None:
    async with pod(database) as one:
        held, _ = await one.trigger(threshold=100)
        first, second, third = (_an_arrival(number, held.trigger_id) for number in range(3))
        async with one.pool.acquire() as holder, holder.transaction():
            await holder.execute("select from trigger.head where trigger_id = $1 for update", held.trigger_id)
            assert await one.ingest.flush([first, second]) == [Outcome.AGAIN, Outcome.AGAIN]
        assert await one.ingest.flush([third]) == [Outcome.AGAIN]
        assert await one.ingest.flush([third, first]) == [Outcome.AGAIN, Outcome.TAKEN]
        assert await one.ingest.flush_patiently([third, second]) == [Outcome.TAKEN, Outcome.TAKEN]
        assert [row["call_id"][-1] for row in await one.pool.fetch(CALLS)] == ["0", "1", "2"]


async def test_a_call_that_gave_up_holds_up_no_later_one(database: Database) -> None:
    async with pod(database) as one:
        held, _ = await one.trigger(threshold=100)
        first, second = (_an_arrival(number, held.trigger_id) for number in range(2))
        async with one.pool.acquire() as holder, holder.transaction():
            await holder.execute("select from trigger.head where trigger_id = $1 for update", held.trigger_id)
            assert await one.ingest.flush([first]) == [Outcome.AGAIN]
        one.ingest.leave(first)
        assert await one.ingest.flush([second]) == [Outcome.TAKEN]


async def test_a_call_that_gave_up_in_the_midst_of_a_flush_holds_up_no_later_one(database: Database) -> None:
    async with pod(database) as one:
        held, _ = await one.trigger(threshold=100)
        first, second = (_an_arrival(number, held.trigger_id) for number in range(2))
        async with one.pool.acquire() as holder, holder.transaction():
            await holder.execute("select from trigger.head where trigger_id = $1 for update", held.trigger_id)
            flush = asyncio.create_task(one.ingest.flush_patiently([first]))
            await asyncio.sleep(0.05)
            one.ingest.leave(first)
            assert await flush == [Outcome.AGAIN]
        assert await one.ingest.flush([second]) == [Outcome.TAKEN]
        assert [row["call_id"][-1] for row in await one.pool.fetch(CALLS)] == ["1"]


async def test_a_commit_of_unknown_outcome_that_went_through_is_accepted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pod(database) as one:
        _, token = await one.trigger()
        real = heads.receive

        async def breaks_after_commit(*args: Any, **options: Any) -> Flushed:
            await real(*args, **options)
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

        monkeypatch.setattr(one.ingest, "_receive", breaks_after_commit)
        [call_id] = await one.receive(call(token))
        assert [row["call_id"] for row in await one.pool.fetch(CALLS)] == [call_id]


async def test_a_commit_of_unknown_outcome_that_did_not_go_through_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pod(database) as one:
        _, token = await one.trigger()

        async def breaks_before_commit(*args: Any, **options: Any) -> Flushed:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

        monkeypatch.setattr(one.ingest, "_receive", breaks_before_commit)
        with pytest.raises(Unavailable) as refused:
            await one.receive(call(token))
        assert refused.value.reason == "DATABASE_UNAVAILABLE"
        assert await one.pool.fetch(CALLS) == []


async def test_a_backend_that_is_killed_in_the_flush_leaves_its_calls_absent_or_whole(database: Database) -> None:
    async with pod(database) as one, pod(database) as killer:
        _, token = await one.trigger(threshold=3)
        kill = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and usename = $1"
        sending = [asyncio.create_task(one.id_of(call(token, b"%d" % number))) for number in range(3_000)]
        for _ in range(8):
            await killer.pool.fetch(kill, "runhook_trigger")
        answers = await asyncio.gather(*sending, return_exceptions=True)
        acknowledged = {answer for answer in answers if isinstance(answer, str)}
        assert all(isinstance(answer, str | Unavailable) for answer in answers)
        stored = await killer.pool.fetch(CALLS)
        assert acknowledged <= {row["call_id"] for row in stored}
        assert [row["seq"] for row in stored] == list(range(1, len(stored) + 1))


def _an_arrival(number: int, trigger_id: int) -> Arrival:
    return Arrival(
        number=number,
        trigger_id=trigger_id,
        generation=1,
        call_id=f"cal_{number:027}",
        media_type="text/plain",
        body=b"x",
        size=40,
    )
