"""The runs in hand: slots, second takings, and the drain."""

import asyncio
from collections.abc import Awaitable, Callable

from runner.crew import REPORT_SECONDS, Crew
from runner.held import HeldRun


def work_until(events: dict[int, asyncio.Event], began: list[int]) -> Callable[[HeldRun], Awaitable[None]]:
    """Work that lasts until the run's event, or until it is told to stop."""

    async def work(held: HeldRun) -> None:
        began.append(held.run_id)
        steps = [asyncio.create_task(step.wait()) for step in (events[held.run_id], held.stop)]
        await asyncio.wait(steps, return_when=asyncio.FIRST_COMPLETED)
        for step in steps:
            step.cancel()

    return work


async def test_no_more_runs_are_at_work_than_there_are_slots_and_those_that_wait_follow() -> None:
    events = {number: asyncio.Event() for number in range(3)}
    began: list[int] = []
    crew = Crew(2, work_until(events, began), kill_seconds=0)
    for number in events:
        crew.take(number, 1)
    await asyncio.sleep(0)
    assert (began, crew.free_slots) == ([0, 1], 0)
    events[1].set()
    await asyncio.wait_for(crew.freed.wait(), 1)
    await asyncio.sleep(0)
    assert (began, crew.free_slots) == ([0, 1, 2], 0)
    for event in events.values():
        event.set()
    await crew.close(REPORT_SECONDS + 1)
    assert not crew.held


async def test_a_run_that_is_handed_out_again_loses_its_older_self() -> None:
    crew = Crew(2, work_until({7: asyncio.Event()}, []), kill_seconds=0)
    crew.take(7, 1)
    crew.take(7, 2)
    assert [(held.lease_id, held.lost) for held in crew.held] == [(1, True), (2, False)]
    await crew.close(0)


async def test_a_closing_crew_stops_what_is_at_work_and_begins_nothing() -> None:
    began: list[int] = []
    crew = Crew(1, work_until({1: asyncio.Event(), 2: asyncio.Event()}, began), kill_seconds=0)
    crew.take(1, 1)
    crew.take(2, 1)
    await asyncio.sleep(0)
    await crew.close(0)
    assert began == [1]
    assert (list(crew.held), crew.free_slots) == ([], 0)


async def test_a_run_that_breaks_its_worker_breaks_nothing_else() -> None:
    async def work(held: HeldRun) -> None:
        raise RuntimeError(held.run_id)

    crew = Crew(1, work, kill_seconds=0)
    crew.take(1, 1)
    await asyncio.wait_for(crew.freed.wait(), 1)
    assert crew.free_slots == 1
