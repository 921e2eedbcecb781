"""Group commit: what shares a flush, what is bounded, whom a poison item hurts."""

import asyncio

import asyncpg
import pytest

from chassis.errors import ResourceExhausted
from chassis.grouping import GroupCommit, GroupLimits


class Flushes:
    """Records groups; each flush waits for `gate`."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, group: list[int]) -> list[int]:
        self.groups.append(group)
        await self.gate.wait()
        if -1 in group:
            raise asyncpg.DataError("poison")
        if 0 in group:
            raise asyncpg.ConnectionDoesNotExistError("away")
        return [item * 10 for item in group]


async def test_what_arrives_during_a_flush_forms_the_next_group() -> None:
    flush = Flushes()
    flush.gate.clear()
    group: GroupCommit[int, int] = GroupCommit("test", flush)
    first = asyncio.create_task(group.submit(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.create_task(group.submit(number)) for number in (2, 3, 4)]
    await asyncio.sleep(0)
    flush.gate.set()
    assert await asyncio.gather(first, *rest) == [10, 20, 30, 40]
    assert flush.groups == [[1], [2, 3, 4]]


async def test_a_group_holds_no_more_rows_or_bytes_than_its_limits_and_never_splits_an_item() -> None:
    flush = Flushes()
    group: GroupCommit[int, int] = GroupCommit("test", flush, GroupLimits(items=10, size=100))
    sizes = [(4, 0), (4, 0), (4, 0), (25, 0), (1, 60), (1, 60)]
    await asyncio.gather(*[group.submit(n, rows=rows, size=size) for n, (rows, size) in enumerate(sizes, 1)])
    assert flush.groups == [[1, 2], [3], [4], [5], [6]]


async def test_a_poison_item_fails_alone() -> None:
    flush = Flushes()
    group: GroupCommit[int, int] = GroupCommit("test", flush)
    answers = await asyncio.gather(*[group.submit(n) for n in (1, 2, -1, 3)], return_exceptions=True)
    assert [answer for answer in answers if isinstance(answer, int)] == [10, 20, 30]
    assert isinstance(answers[2], asyncpg.DataError)


async def test_an_error_of_the_database_reaches_every_caller_of_the_group() -> None:
    group: GroupCommit[int, int] = GroupCommit("test", Flushes())
    answers = await asyncio.gather(*[group.submit(n) for n in (1, 0)], return_exceptions=True)
    assert all(isinstance(answer, asyncpg.ConnectionDoesNotExistError) for answer in answers)


async def test_beyond_the_waiting_line_the_answer_is_exhausted_and_says_when_to_call_again() -> None:
    flush = Flushes()
    flush.gate.clear()
    group: GroupCommit[int, int] = GroupCommit("test", flush, GroupLimits(waiting_items=2))
    tasks = [asyncio.create_task(group.submit(1))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(group.submit(number)) for number in (2, 3)]
    await asyncio.sleep(0)
    with pytest.raises(ResourceExhausted) as caught:
        await group.submit(4)
    flush.gate.set()
    assert await asyncio.gather(*tasks) == [10, 20, 30]
    assert caught.value.retry_after is not None


async def test_idle_waits_for_all_that_was_taken() -> None:
    flush = Flushes()
    group: GroupCommit[int, int] = GroupCommit("test", flush, GroupLimits(items=1))
    for number in (1, 2, 3):
        group.add(number)
    await group.idle()
    assert flush.groups == [[1], [2], [3]]
