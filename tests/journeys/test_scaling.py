"""delivery_svc from one pod to three and back, under load, behind a name server: nothing is lost, nobody is refused, nothing
comes twice, and the new pods get their share of the calls.

The pods are processes at 127.0.0.1, .2 and .3, all at one port, as behind a headless Service. In `make test` it runs over
mutual TLS with connections that live for 1 s, and takes about twelve seconds: three starts, up to 6 s until the names are
asked for again, a drain. `SCALING_AT_DEFAULTS=1` runs it in the clear at the defaults instead, which takes minutes; what that
measured stands in docs/adr/0023-mutual-tls-and-how-pods-meet.md.
"""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import pytest
import trustme

from chassis.channel import open_channel
from chassis.identity import Identity
from tests.support.delivery import add_subscription
from tests.support.delivery_process import Publisher, settings
from tests.support.name_server import name_server
from tests.support.papers import issue
from tests.support.postgres import Database
from tests.support.receiver import Receiver
from tests.support.scrape import scrape
from tests.support.service_process import ServiceProcess, free_port, running

PODS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
AT_DEFAULTS = bool(os.environ.get("SCALING_AT_DEFAULTS"))
#: Within which all three pods take at least this part of so many calls in a row.
SECONDS = 90.0 if AT_DEFAULTS else 15.0
FAIR, CALLS = 0.15, 15


@pytest.mark.timeout(240)
async def test_delivery_svc_from_one_to_three_and_back(database: Database, tmp_path: Path) -> None:
    house = House(database, tmp_path)
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(Receiver())
        await add_subscription(database, receiver.url)
        names = stack.enter_context(name_server(PODS[0]))
        first = await stack.enter_async_context(house.pod(PODS[0]))
        publisher = Publisher(names.target("delivery-svc", house.port), pause=0.25, dial=house.dial)
        publishing = [asyncio.create_task(publisher.run(number)) for number in range(4)]
        await receiver.request(100)
        more = await asyncio.gather(*(stack.enter_async_context(house.pod(address)) for address in PODS[1:]))
        names.addresses = PODS
        took = await all_share([first, *more])
        names.addresses = PODS[:1]
        assert await asyncio.gather(*(pod.stop() for pod in more)) == [0, 0]
        await receiver.request(len(receiver.requests) + 200)
        publisher.stopped = True
        await asyncio.gather(*publishing)
        arrived = await all_arrived(receiver, publisher.acknowledged)
        assert await first.stop() == 0
    print(f"all three took their share after {took:.1f} s; {len(arrived)} events, refused: {dict(publisher.refused)}")
    assert publisher.refused == {}
    assert set(arrived.values()) == {1}


class House:
    """How the pods are told to run, and how they are dialled: alike, but for address and name."""

    def __init__(self, database: Database, directory: Path) -> None:
        self.port = free_port()
        self._database = database
        self._directory = directory
        self._more: dict[str, object] = {}
        self._identity: Identity | None = None
        if not AT_DEFAULTS:
            authority = trustme.CA()
            self._identity = Identity(*issue(authority, directory / "publisher", "publisher").values())
            papers = issue(authority, directory / "pod", "delivery-svc")
            self._more = {"GRPC_CONNECTION_AGE_SECONDS": 1, **papers}

    @asynccontextmanager
    async def pod(self, address: str) -> AsyncIterator[ServiceProcess]:
        """delivery_svc at an address."""
        more = self._more | {"GRPC_ADDRESS": f"{address}:{self.port}"}
        told = settings(self._database, self._directory, self.port, f"pod-at-{address}", **more)
        async with running("delivery_svc", told) as process:
            yield process

    def dial(self, target: str) -> grpc.aio.Channel:
        """As gateway and trigger_svc dial."""
        return open_channel(target, self._identity)


async def all_share(pods: Sequence[ServiceProcess]) -> float:
    """Seconds until every pod takes its part of the calls."""
    began = time.monotonic()
    before = await published(pods)
    async with asyncio.timeout(SECONDS):
        while True:
            await asyncio.sleep(0.2)
            now = await published(pods)
            taken = [later - earlier for later, earlier in zip(now, before, strict=True)]
            if sum(taken) < CALLS:
                continue
            if min(taken) > FAIR * sum(taken):
                return time.monotonic() - began
            before = now


async def published(pods: Sequence[ServiceProcess]) -> list[float]:
    """Calls of PublishEvents that each pod has answered."""
    shown = [await scrape(pod.metrics) for pod in pods]
    return [one.value("runhook_grpc_calls_total", method="PublishEvents", code="OK") for one in shown]


async def all_arrived(receiver: Receiver, acknowledged: Sequence[str]) -> Counter[str]:
    """How often each event came, once none is missing."""
    async with asyncio.timeout(30):
        while True:
            arrived = Counter(json.loads(request.body)["eventId"] for request in receiver.requests)
            if set(acknowledged) <= set(arrived):
                return arrived
            await asyncio.sleep(0.2)
