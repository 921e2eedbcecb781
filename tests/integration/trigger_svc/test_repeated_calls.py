"""Row E38 and invariant I10: a call that comes again is answered with the first one's id and not counted, for seven days."""

import asyncio
import uuid
from typing import Any

import asyncpg
import pytest

from chassis.errors import Unavailable
from tests.support.postgres import Database
from tests.support.trigger import call, pod
from trigger_svc.call import Answer, Call
from trigger_svc.pruner import DEDUPE_SECONDS, Pruner
from trigger_svc.store import head as heads
from trigger_svc.store.head import Flush, Flushed

NAMED: dict[str, Any] = {"verification": {"dedupe_header": "X-Id"}}
CALLS = "select call_id from trigger.call order by trigger_id, seq"
KEYS = "select count(*) from trigger.call_dedupe"
AGE = "update trigger.call_dedupe set received_at = received_at - make_interval(secs => $1)"


def _named(token: str, name: str, body: bytes = b"{}") -> Call:
    return call(token, body, x_id=name.encode())


def _ids(answers: list[Answer]) -> set[str]:
    return {answer.call_id for answer in answers}


async def test_identical_deliveries_at_any_pods_at_once_are_stored_once(database: Database) -> None:
    async with pod(database) as one, pod(database) as two, pod(database) as three:
        _, token = await one.trigger(threshold=7, **NAMED)
        for number in range(15):
            wanted = _named(token, f"delivery {number}")
            answers = await asyncio.gather(
                *(chosen.receiver.receive(wanted) for _ in range(8) for chosen in (one, two, three))
            )
            assert len(_ids(answers)) == 1
            assert [answer.duplicate for answer in answers].count(False) == 1
        stored = [row["call_id"] for row in await one.pool.fetch(CALLS)]
        assert len(set(stored)) == len(stored) == 15
        windows = await one.windows()
        assert [(window["size"], window["close_reason"]) for window in windows] == [
            (7, "threshold"),
            (7, "threshold"),
            (None, None),
        ]
        assert len(await one.executions()) == 2


async def test_repetitions_in_one_flush_are_known_and_fill_no_window(database: Database) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=3, **NAMED)
        _, plain = await one.trigger(threshold=99)
        names = ["a", "a", "b", "a", "b", "b", "c", "a"]
        answers = await asyncio.gather(
            *(one.receiver.receive(_named(token, name)) for name in names),
            *(one.receiver.receive(call(plain)) for _ in names),
        )
        by_name = {name: {a.call_id for n, a in zip(names, answers[:8], strict=True) if n == name} for name in "abc"}
        assert all(len(ids) == 1 for ids in by_name.values())
        assert [answer.duplicate for answer in answers[:8]] == [False, True, False, True, True, True, False, True]
        assert not any(answer.duplicate for answer in answers[8:])
        [window] = [window for window in await one.windows() if window["state"] == "CLOSED"]
        assert (window["size"], window["close_reason"]) == (3, "threshold")


async def test_a_name_is_its_triggers_own_and_a_call_without_one_is_counted_each_time(database: Database) -> None:
    async with pod(database) as one:
        tokens = [(await one.trigger(threshold=99, **NAMED))[1] for _ in range(2)]
        answers = [await one.receiver.receive(_named(token, "a")) for token in tokens]
        answers += [await one.receiver.receive(call(tokens[0])) for _ in range(2)]
        answers += [await one.receiver.receive(_named(tokens[0], "")) for _ in range(2)]
        assert len(_ids(answers)) == 6
        assert not any(answer.duplicate for answer in answers)


async def test_a_repetition_writes_nothing(database: Database) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=99, **NAMED)
        await one.receive(_named(token, "a"))
        before = (
            await one.pool.fetch("select *, xmin from trigger.head"),
            await one.pool.fetch("select * from trigger.ingest_group"),
        )
        for _ in range(3):
            assert (await one.receiver.receive(_named(token, "a"))).duplicate
        after = (
            await one.pool.fetch("select *, xmin from trigger.head"),
            await one.pool.fetch("select * from trigger.ingest_group"),
        )
        assert before == after


async def test_a_repetition_after_the_deadline_closes_the_window_and_opens_none(database: Database) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=99, **NAMED)
        await one.receive(_named(token, "a"))
        await one.pool.execute("update trigger.head set deadline_at = clock_timestamp()")
        await one.pool.execute("update trigger.window set deadline_at = clock_timestamp() - interval '1 ms'")
        assert (await one.receiver.receive(_named(token, "a"))).duplicate
        [window] = await one.windows()
        assert (window["size"], window["close_reason"]) == (1, "deadline")


async def test_a_call_is_known_for_seven_days_and_then_counts_again(database: Database) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=99, **NAMED)
        first = await one.id_of(_named(token, "a"))
        await one.pool.execute(AGE, DEDUPE_SECONDS - 60)
        assert await one.id_of(_named(token, "a")) == first
        await one.pool.execute(AGE, 60.0)
        second = await one.receiver.receive(_named(token, "a"))
        assert not second.duplicate
        again = await one.receiver.receive(_named(token, "a"))
        assert (again.duplicate, again.call_id) == (True, second.call_id)


async def test_keys_are_forgotten_when_they_no_longer_count(database: Database) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=99, **NAMED)
        await one.receive(*(_named(token, f"{number}") for number in range(5)))
        pruner = Pruner(one.pool, one.clock)
        assert not await pruner.forget_keys()
        assert await one.pool.fetchval(KEYS) == 5
        await one.pool.execute(AGE, DEDUPE_SECONDS)
        await one.receive(_named(token, "new"))
        async with one.pool.acquire() as holder, holder.transaction():
            await holder.execute("select from trigger.call_dedupe order by received_at limit 1 for update")
            await pruner.forget_keys()  # waits for nobody
        assert await one.pool.fetchval(KEYS) == 2
        await pruner.forget_keys()
        assert await one.pool.fetchval(KEYS) == 1


async def test_a_flush_whose_answer_was_lost_says_what_it_knows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=99, **NAMED)
        _, plain = await one.trigger(threshold=99)
        first = await one.id_of(_named(token, "a"))
        real = heads.receive

        async def lost(pool: asyncpg.Pool, flush: Flush, execution_ids: list[str], *, patient: bool) -> Flushed:
            await real(pool, flush, execution_ids, patient=patient)
            raise asyncpg.ConnectionDoesNotExistError("the answer was on its way")

        monkeypatch.setattr(one.ingest, "_receive", lost)
        answers = await asyncio.gather(
            *(one.receiver.receive(wanted) for wanted in (_named(token, "a"), _named(token, "b"), call(plain))),
            return_exceptions=True,
        )
        repeated, new, other = answers
        assert isinstance(repeated, Unavailable)
        assert isinstance(new, Answer)
        assert isinstance(other, Answer)
        monkeypatch.setattr(one.ingest, "_receive", real)
        for name, call_id in (("a", first), ("b", new.call_id)):
            again = await one.receiver.receive(_named(token, name))
            assert (again.duplicate, again.call_id) == (True, call_id)
        assert len(await one.pool.fetch(CALLS)) == 3


async def test_many_names_on_many_pods_are_each_stored_once(database: Database) -> None:
    async with pod(database) as one, pod(database) as two:
        tokens = [(await one.trigger(threshold=5, **NAMED))[1] for _ in range(3)]
        names = [(token, uuid.uuid4().hex) for token in tokens for _ in range(40)] * 4
        answers = await asyncio.gather(
            *((one, two)[place % 2].receiver.receive(_named(*name)) for place, name in enumerate(names))
        )
        by_name: dict[tuple[str, str], set[str]] = {}
        for name, answer in zip(names, answers, strict=True):
            by_name.setdefault(name, set()).add(answer.call_id)
        assert all(len(ids) == 1 for ids in by_name.values())
        stored = [row["call_id"] for row in await one.pool.fetch(CALLS)]
        assert sorted(stored) == sorted(next(iter(ids)) for ids in by_name.values())
        assert {window["size"] for window in await one.windows()} == {5}
