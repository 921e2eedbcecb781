"""delivery_svc killed -9 in mid-flight: nothing acknowledged is lost, and only what was in flight may come twice."""

import asyncio
import base64
import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from chassis.caller import CREDENTIAL_KEY
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1 import event_pb2
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from tests.support.delivery import CREDENTIAL, add_subscription, an_event
from tests.support.postgres import Database
from tests.support.receiver import Peer, Receiver, Request
from tests.support.service_process import ServiceProcess, free_port

if TYPE_CHECKING:
    from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceAsyncStub

SLOTS = 32
HELD = 2 * SLOTS  # in flight, or answered and not yet committed
BATCH = 20


def _settings(database: Database, directory: Path, port: int, pod: str) -> dict[str, object]:
    (directory / "ring").write_text("k1:" + base64.b64encode(bytes(range(32))).decode())
    (directory / "credential").write_text(CREDENTIAL)
    return {
        "DATABASE_URL": database.delivery_url,
        "GRPC_ADDRESS": f"127.0.0.1:{port}",
        "KEY_RING_FILE": directory / "ring",
        "SERVICE_CREDENTIAL_FILE": directory / "credential",
        "POD_NAME": pod,
        "DELIVERY_SLOTS": SLOTS,
        "DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8",
        "DELIVERY_HEARTBEAT_SECONDS": 0.3,
        "DELIVERY_DEAD_AFTER_SECONDS": 4,
    }


async def _slowly(peer: Peer, request: Request) -> None:
    await asyncio.sleep(0.02)
    await peer.answer(200)


class Publisher:
    """Publishes batches until told to stop; a call that fails is repeated with the same request ids until it is answered."""

    def __init__(self, target: str) -> None:
        self.acknowledged: list[str] = []
        self.stopped = False
        self._target = target

    async def run(self, number: int) -> None:
        async with grpc.aio.insecure_channel(self._target) as channel:
            stub = DeliveryServiceStub(channel)
            batch = 0
            while not self.stopped:
                batch += 1
                ids = [f"{number}-{batch}-{index}" for index in range(BATCH)]
                await self._publish(stub, [an_event(run_id=index + 1, request_id=one) for index, one in enumerate(ids)])

    async def _publish(self, stub: "DeliveryServiceAsyncStub", events: list[event_pb2.Event]) -> None:
        while True:
            with suppress(grpc.aio.AioRpcError):
                answer = await stub.PublishEvents(
                    pb.PublishEventsRequest(events=events), timeout=5, metadata=((CREDENTIAL_KEY, CREDENTIAL),)
                )
                self.acknowledged += answer.event_ids
                return
            await asyncio.sleep(0.05)


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
    service = ServiceProcess("delivery_svc", _settings(database, tmp_path, port, "pod-1"))
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
    victim = ServiceProcess("delivery_svc", _settings(database, tmp_path, port, "pod-1"))
    survivor = ServiceProcess("delivery_svc", _settings(database, tmp_path, free_port(), "pod-2"))
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
    service = ServiceProcess("delivery_svc", _settings(database, tmp_path, port, "pod-1"))
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
