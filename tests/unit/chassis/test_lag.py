"""A loop that is blocked shows it."""

import asyncio
import time

from prometheus_client import REGISTRY

from chassis.lag import watching_lag

NAME = "runhook_event_loop_lag_seconds"


def _beyond(bound: str) -> float:
    rang = REGISTRY.get_sample_value(f"{NAME}_count") or 0.0
    return rang - (REGISTRY.get_sample_value(f"{NAME}_bucket", {"le": bound}) or 0.0)


async def test_a_loop_that_something_blocks_is_seen_to_lag() -> None:
    before = _beyond("0.1")
    async with watching_lag():
        await asyncio.sleep(0)
        time.sleep(0.4)  # noqa: ASYNC251 - the block that is to be seen
        await asyncio.sleep(0.01)
    assert _beyond("0.1") == before + 1


async def test_nothing_is_measured_after_the_end() -> None:
    async with watching_lag():
        pass
    before = REGISTRY.get_sample_value(f"{NAME}_count")
    await asyncio.sleep(0.25)
    assert REGISTRY.get_sample_value(f"{NAME}_count") == before
