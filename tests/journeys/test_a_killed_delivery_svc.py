"""delivery_svc killed -9 in mid-flight: nothing acknowledged is lost, and only what was in flight may come twice."""

import asyncio
import json
from collections import Counter
from pathlib import Path

from tests.support.delivery import add_subscription
from tests.support.delivery_process import Publisher, settings
from tests.support.postgres import Database
from tests.support.receiver import Peer, Receiver, Request
from tests.support.service_process import ServiceProcess, free_port

SLOTS = 32
HELD = 2 * SLOTS  # in flight, or answered and not yet committed


async def _slowly(peer: Peer, request: Request) -> None:
    await asyncio.sleep(0.02)
    await peer.answer(200)


async def _all_arrive(receiver: Receiver, publisher: Publisher, seconds: float) -> Counter[str]:
    expected = set(publisher.acknowledged)
    async with asyncio.timeout(seconds):
        while True:
            arrived = Counter(json.loads(request.body)["eventId"] for request in receiver.requests)
            if expected <= set(arrived):
                return arrived
            await asyncio.sleep(0.05)


async def test_every_acknowledged_event_is_delivered_after_a_restart_under_the_same_name(
    database: Database, tmp_path: Path
) -> None:
    port = free_port()
    service = ServiceProcess("delivery_svc", settings(database, tmp_path, port, "pod-1", DELIVERY_SLOTS=SLOTS))
    async with Receiver(_slowly) as receiver:
        await add_subscription(database, receiver.url)
        publisher = Publisher(f"127.0.0.1:{port}")
        await service.start()
        tasks = [asyncio.create_task(publisher.run(number)) for number in range(4)]
        await receiver.request(200)
        await service.kill()
        await service.start()
        await receiver.request(len(receiver.requests) + 200)
        publisher.stopped = True
        await asyncio.gather(*tasks)
        arrived = await _all_arrive(receiver, publisher, 30)
        assert await service.stop() == 0
    assert sum(arrived.values()) - len(arrived) <= HELD


async def test_a_survivor_delivers_what_a_killed_pod_held(database: Database, tmp_path: Path) -> None:
    port = free_port()
    victim = ServiceProcess("delivery_svc", settings(database, tmp_path, port, "pod-1", DELIVERY_SLOTS=SLOTS))
    survivor = ServiceProcess("delivery_svc", settings(database, tmp_path, free_port(), "pod-2", DELIVERY_SLOTS=SLOTS))
    async with Receiver(_slowly) as receiver:
        await add_subscription(database, receiver.url)
        publisher = Publisher(f"127.0.0.1:{port}")
        await asyncio.gather(victim.start(), survivor.start())
        tasks = [asyncio.create_task(publisher.run(number)) for number in range(4)]
        await receiver.request(200)
        await victim.kill()
        publisher.stopped = True
        for task in tasks:
            task.cancel()
        arrived = await _all_arrive(receiver, publisher, 20)
        assert await survivor.stop() == 0
    assert sum(arrived.values()) - len(arrived) <= HELD


async def test_sigterm_under_load_loses_nothing_and_sends_nothing_twice(database: Database, tmp_path: Path) -> None:
    port = free_port()
    service = ServiceProcess("delivery_svc", settings(database, tmp_path, port, "pod-1", DELIVERY_SLOTS=SLOTS))
    async with Receiver(_slowly) as receiver:
        await add_subscription(database, receiver.url)
        publisher = Publisher(f"127.0.0.1:{port}")
        await service.start()
        tasks = [asyncio.create_task(publisher.run(number)) for number in range(4)]
        await receiver.request(200)
        assert await service.stop() == 0
        await service.start()
        publisher.stopped = True
        await asyncio.gather(*tasks)
        arrived = await _all_arrive(receiver, publisher, 30)
        assert await service.stop() == 0
    assert set(arrived.values()) == {1}
