"""A regenerated URL: whatever pods remember of the old one, it takes no call once it has ended (contract, A26)."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from chassis.errors import NotFound
from chassis.ids import ksuid
from tests.support.postgres import Database
from tests.support.trigger import ACCOUNT, KEY_RING, Pod, call, eventually, pod
from trigger_svc.aftermath import Aftermath
from trigger_svc.configure_trigger import Configurer
from trigger_svc.trigger import Trigger

CALLS = "select call_id, seq, received_at from trigger.call order by seq"
ENDS = """
select k.expires_at, h.oldest_until is distinct from k.expires_at as differs
  from trigger.token k join trigger.head h using (trigger_id) order by k.generation
"""
END_GRACE = """
with token as (update trigger.token set expires_at = clock_timestamp() where expires_at is not null)
update trigger.head set oldest_until = clock_timestamp() where oldest_until is not null
"""
#: As the pods of the release before ask.
RECEIVE_BEFORE = """
select what, trigger_id from trigger.receive_calls($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""

Pods = tuple[Pod, Pod]


@pytest.fixture
async def pods(database: Database) -> AsyncIterator[Pods]:
    """Two over one database."""
    async with pod(database) as one, pod(database) as other:
        yield one, other


async def _regenerate(one: Pod, trigger: Trigger, *, grace: float = 0.0) -> str:
    configurer = Configurer(one.pool, KEY_RING, one.clock, Aftermath(sweep=lambda: None, acquire=lambda: None))
    return await configurer.regenerate(ACCOUNT, trigger.public_id, grace_seconds=grace, token_id=None)


async def _taken(pods: Pods, *tokens: str) -> list[bool]:
    """Whether each pod takes a call to each of these, one after another."""
    answers = []
    for token in tokens:
        for one in pods:
            try:
                answers.append(bool(await one.id_of(call(token))))
            except NotFound:
                answers.append(False)
    return answers


async def test_the_pod_that_remembers_a_url_takes_nothing_there_once_it_was_replaced(pods: Pods) -> None:
    """The symptom: for 5 seconds the old URL went on starting executions, at every pod that a call had come to."""
    trigger, old = await pods[0].trigger(threshold=100)
    assert await _taken(pods, old) == [True, True]
    new = await _regenerate(pods[1], trigger)
    assert await _taken(pods, old, new, old, new) == [False, False, True, True] * 2
    assert len(await pods[0].pool.fetch(CALLS)) == 6


async def test_the_old_url_is_taken_until_its_grace_ends_and_not_after(pods: Pods) -> None:
    trigger, old = await pods[0].trigger(threshold=100)
    assert await _taken(pods, old) == [True, True]
    new = await _regenerate(pods[0], trigger, grace=3600)
    assert await _taken(pods, old, new) == [True] * 4
    [window] = await pods[0].windows()
    assert window["state"] == "OPEN", "both lead to the same window"
    [old_ends, new_ends] = await pods[0].pool.fetch(ENDS)
    assert (old_ends["differs"], new_ends["expires_at"]) == (False, None)
    await pods[0].pool.execute(END_GRACE)
    assert await _taken(pods, old, new) == [False, False, True, True]


async def test_a_url_in_its_grace_ends_with_the_next_regeneration(pods: Pods) -> None:
    trigger, first = await pods[0].trigger(threshold=100)
    second = await _regenerate(pods[0], trigger, grace=3600)
    assert await _taken(pods, first, second) == [True] * 4
    third = await _regenerate(pods[0], trigger, grace=3600)
    assert await _taken(pods, first, second, third) == [False, False, True, True, True, True]
    fourth = await _regenerate(pods[0], trigger)
    assert await _taken(pods, first, second, third, fourth) == [False] * 6 + [True] * 2


async def test_calls_to_both_urls_in_one_flush_are_told_apart(pods: Pods) -> None:
    one, _ = pods
    trigger, old = await one.trigger(threshold=100)
    new = await _regenerate(one, trigger, grace=3600)
    _, beside = await one.trigger(threshold=100)
    await one.receive(call(old), call(new), call(beside))
    await one.pool.execute(END_GRACE)
    tokens = [old, new, beside, old, new, new]
    answers = await asyncio.gather(*(one.id_of(call(token)) for token in tokens), return_exceptions=True)
    assert [isinstance(answer, NotFound) for answer in answers] == [token == old for token in tokens]
    stored = await one.pool.fetch(
        "select call_id from trigger.call where trigger_id = $1 order by seq", trigger.trigger_id
    )
    assert [row["call_id"] for row in stored][2:] == [answers[1], answers[4], answers[5]], "in their order"


async def test_a_flush_under_way_is_in_before_the_url_ends_or_refused(pods: Pods) -> None:
    trigger, old = await pods[0].trigger(threshold=100)
    stream = [asyncio.create_task(_until_refused(one, old)) for one in pods for _ in range(4)]
    await eventually(lambda: pods[0].pool.fetch(CALLS))
    await _regenerate(pods[0], trigger)
    taken = [call_id for ids in await asyncio.gather(*stream) for call_id in ids]
    stored = await pods[0].pool.fetch(CALLS)
    assert sorted(taken) == sorted(row["call_id"] for row in stored)
    ended_at = await pods[0].pool.fetchval("select created_at from trigger.token")
    assert max(row["received_at"] for row in stored) < ended_at


async def _until_refused(one: Pod, token: str) -> list[str]:
    taken: list[str] = []
    while True:
        try:
            taken.append(await one.id_of(call(token)))
        except NotFound:
            return taken


async def test_a_pod_of_the_release_before_hands_its_calls_in_as_it_did(pods: Pods) -> None:
    one, _ = pods
    trigger, _ = await one.trigger(threshold=2)
    await _regenerate(one, trigger)
    assert await _hand_in(one.pool, trigger) == [("TAKEN", trigger.trigger_id), ("OPENED", trigger.trigger_id)]
    await one.pool.execute("update trigger.task set parameters = '[]'")  # so its execution fails at birth
    assert await _hand_in(one.pool, trigger) == [("CLOSED", trigger.trigger_id), ("TAKEN", trigger.trigger_id)]
    assert [row["state"] for row in await one.executions()] == ["FAILED"]


async def _hand_in(pool: asyncpg.Pool, trigger: Trigger) -> list[tuple[Any, ...]]:
    ids = ["exe_" + ksuid(0) for _ in range(2)]
    call_id = "cal_" + ksuid(0)
    flush: tuple[Any, ...] = (
        uuid.uuid4(),
        [trigger.trigger_id],
        [1],
        [1],
        [call_id],
        ["text/plain"],
        [b"x"],
        [40],
        None,
        None,
        [],
        [],
        ids,
        False,
    )
    return [tuple(row) for row in await pool.fetch(RECEIVE_BEFORE, *flush)]
