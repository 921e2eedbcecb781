"""A pod wakes its sweep when a window of its own is due, and not a moment before."""

import asyncio

from trigger_svc.aftermath import GRAIN_SECONDS, Aftermath
from trigger_svc.store.window import Closed


async def test_the_sweep_is_woken_at_the_deadline_and_not_before() -> None:
    woken = asyncio.Event()
    aftermath = Aftermath(sweep=woken.set, acquire=lambda: None)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 0.1
    aftermath.opened([0.1])
    await asyncio.wait_for(woken.wait(), 5)
    assert loop.time() >= deadline
    assert loop.time() < deadline + 1


async def test_windows_that_end_together_share_a_timer() -> None:
    wakes = 0

    def count() -> None:
        nonlocal wakes
        wakes += 1

    aftermath = Aftermath(sweep=count, acquire=lambda: None)
    aftermath.opened([0.05] * 1000)
    aftermath.opened([0.05 + GRAIN_SECONDS * 10])
    await asyncio.sleep(0.05 + GRAIN_SECONDS * 13)  # time itself is what is waited for
    assert 2 <= wakes <= 3


async def test_closed_windows_wake_the_acquirer_once() -> None:
    wakes = 0

    def count() -> None:
        nonlocal wakes
        wakes += 1

    aftermath = Aftermath(sweep=lambda: None, acquire=count)
    aftermath.closed([])
    assert wakes == 0
    window = Closed(
        trigger_id="trg_" + "0" * 27,
        window_id=1,
        execution_id="exe_" + "0" * 27,
        reason="deadline",
        size=1,
        late_seconds=0.01,
    )
    aftermath.closed([window, window])
    assert wakes == 1
