"""Rows E3 and E47: a full queue that rejects opens no window, a pause that refuses takes no call; what is open goes on."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chassis.errors import DomainError, NotFound, ResourceExhausted, Unavailable
from tests.support.postgres import Database
from tests.support.trigger import Pod, call, pod
from trigger_svc.call import Answer
from trigger_svc.task import QueueLimit

REJECT = {"queue_limit": QueueLimit(executions=2, mode="reject", count="concurrent")}
STATES = "select state from trigger.execution order by execution_id"
FINISH = """
update trigger.execution set state = 'CANCELLED', reason = 'cancelled', finished_at = clock_timestamp()
 where execution_id = (select min(execution_id) from trigger.execution where finished_at is null)
"""
DISABLE = "update trigger.head set enabled = not $1"
PAUSE = "update trigger.task set paused = $1"


@pytest.fixture
async def one(database: Database) -> AsyncIterator[Pod]:
    """A pod."""
    async with pod(database) as running:
        yield running


async def _answers(one: Pod, token: str, count: int, **headers: bytes) -> list[str]:
    """ "" for a call that was taken, else the reason."""
    answers = await asyncio.gather(
        *(one.receiver.receive(call(token, b"{}", "application/json", **headers)) for _ in range(count)),
        return_exceptions=True,
    )
    assert all(isinstance(answer, Answer | DomainError) for answer in answers), answers
    return [answer.reason if isinstance(answer, DomainError) else "" for answer in answers]


async def test_a_full_queue_refuses_what_would_open_a_window_even_within_a_flush(one: Pod) -> None:
    _, token = await one.trigger(threshold=1, task=REJECT)
    _, other = await one.trigger(threshold=1)
    answers, others = await asyncio.gather(_answers(one, token, 6), _answers(one, other, 6))
    assert answers == ["", "", *["QUEUE_LIMIT"] * 4]
    assert others == [""] * 6
    assert [row["state"] for row in await one.pool.fetch(STATES)] == ["PENDING"] * 8, "none was rejected after its 204"
    assert len(await one.windows()) == 8
    with pytest.raises(ResourceExhausted) as refused:
        await one.receiver.receive(call(token))
    assert refused.value.retry_after is not None


async def test_calls_join_the_open_window_of_a_full_queue(one: Pod) -> None:
    _, token = await one.trigger(threshold=3, task=REJECT)
    assert await _answers(one, token, 7) == [""] * 6 + ["QUEUE_LIMIT"]
    await one.pool.execute(FINISH)
    assert await _answers(one, token, 2) == ["", ""]
    await one.pool.execute(FINISH.replace("min(", "max("))
    assert await _answers(one, token, 5) == ["", "", "", "", "QUEUE_LIMIT"]
    sizes = [window["size"] for window in await one.windows()]
    assert sizes == [3, 3, 3, 3]


async def test_the_seqs_of_what_was_taken_have_no_gap(one: Pod) -> None:
    _, token = await one.trigger(threshold=2, task=REJECT)
    for _ in range(4):
        await _answers(one, token, 3)
        await one.pool.execute(FINISH)
    seqs = [row["seq"] for row in await one.pool.fetch("select seq from trigger.call order by seq")]
    assert seqs == list(range(1, len(seqs) + 1))


async def test_a_repetition_is_answered_by_a_full_queue_and_a_refused_call_is_not_known(one: Pod) -> None:
    _, token = await one.trigger(threshold=1, task=REJECT, verification={"dedupe_header": "X-Id"})
    first = await one.id_of(call(token, x_id=b"a"))
    assert await _answers(one, token, 1, x_id=b"b") == [""]
    assert await _answers(one, token, 3, x_id=b"c") == ["QUEUE_LIMIT"] * 3
    again = await one.receiver.receive(call(token, x_id=b"a"))
    assert (again.duplicate, again.call_id) == (True, first)
    await one.pool.execute(FINISH)
    assert not (await one.receiver.receive(call(token, x_id=b"c"))).duplicate


async def test_other_modes_refuse_nobody(one: Pod) -> None:
    for mode in ("fail", "hold"):
        _, token = await one.trigger(
            threshold=1, task={"queue_limit": QueueLimit(executions=1, mode=mode, count="concurrent")}
        )
        assert await _answers(one, token, 4) == [""] * 4


async def test_a_paused_task_takes_calls_unless_its_trigger_refuses_them(one: Pod) -> None:
    _, holding = await one.trigger(threshold=2)
    _, refusing = await one.trigger(threshold=2, call_rules={"refuse_while_paused": True})
    assert await _answers(one, refusing, 1) == [""]
    await one.pool.execute(PAUSE, True)
    assert await _answers(one, holding, 2) == ["", ""]
    with pytest.raises(Unavailable) as refused:
        await one.receiver.receive(call(refusing))
    assert (refused.value.reason, refused.value.retry_after) == ("PAUSED", 60.0)
    # Disabled since its token was looked up, it is not there; that it is paused as well is nobody's business.
    await one.pool.execute(DISABLE, True)
    with pytest.raises(NotFound):
        await one.receiver.receive(call(refusing))
    await one.pool.execute(DISABLE, False)
    await one.pool.execute(PAUSE, False)
    assert await _answers(one, refusing, 1) == [""]
    assert [window["size"] for window in await one.windows()] == [2, 2]
