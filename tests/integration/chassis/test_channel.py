"""How our processes find and leave each other: pods in turn, names resolved again, reads repeated, a drain that says so."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import ValidationError

from chassis.channel import OPTIONS, open_channel, service_config
from chassis.grpc_server import AGE_GRACE_SECONDS, READINESS
from gateway.call_stream import LIFE_SECONDS
from gateway.services import reads_of
from gateway.settings import GatewaySettings
from runhook.delivery.v1 import delivery_service_pb2
from runhook.subscription.v1 import account_service_pb2, subscription_service_pb2
from runhook.trigger.v1 import trigger_service_pb2
from tests.support.name_server import name_server
from tests.support.service_process import free_port
from tests.support.things import GET, MAKE, Things, door, method

FILES = (delivery_service_pb2, trigger_service_pb2, subscription_service_pb2, account_service_pb2)
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def test_deadlines_are_never_the_service_configs() -> None:
    """gRPC for Python ends calls too early by it (grpc/grpc#40633, #34547): `timeout=` is given per call."""
    config = json.loads(service_config(reads_of(delivery_service_pb2.DESCRIPTOR)))
    assert config["loadBalancingConfig"] == [{"round_robin": {}}]
    assert [set(method) for method in config["methodConfig"]] == [{"name", "retryPolicy"}]
    assert "methodConfig" not in json.loads(service_config())
    assert "grpc.service_config" not in dict(OPTIONS)


def test_what_is_repeated_only_reads() -> None:
    names = {name.rpartition("/")[2] for name in reads_of(*(file.DESCRIPTOR for file in FILES))}
    assert {"GetDelivery", "ListDeliveries", "GetSubscription", "ListTriggers", "ListAccounts"} <= names
    assert not {name for name in names if not name.startswith(("Get", "List"))}


async def test_a_read_is_asked_of_another_pod_when_one_is_away() -> None:
    things = Things(away=2)
    async with door(things) as (port, _), open_channel(f"127.0.0.1:{port}", reads=[GET]) as channel:
        assert await method(channel)(timeout=5) == b"3"


async def test_what_changes_something_is_called_once() -> None:
    things = Things(away=2)
    async with door(things) as (port, _), open_channel(f"127.0.0.1:{port}", reads=[GET]) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await method(channel, MAKE)(timeout=5)
        assert things.calls == 1


@pytest.mark.parametrize("apart", [False, True], ids=["at the door", "at an address of its own"])
async def test_health_says_not_serving_before_the_last_call_is_answered(apart: bool) -> None:
    things = Things()
    health = f"127.0.0.1:{free_port()}" if apart else None
    async with (
        door(things, health=health) as (port, close),
        open_channel(f"127.0.0.1:{port}") as channel,
        grpc.aio.insecure_channel(health or f"127.0.0.1:{port}") as probing,
    ):
        stub: Any = health_pb2_grpc.HealthStub(probing)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=READINESS))
        assert (await watch.read()).status != NOT_SERVING
        things.open.clear()
        last = asyncio.ensure_future(method(channel)(timeout=10))
        await things.taken.wait()
        closing = asyncio.ensure_future(close(5))
        assert (await watch.read()).status == NOT_SERVING
        assert not last.done()
        watch.cancel()
        things.open.set()
        assert await last == b"1"
        await closing


async def test_pods_that_come_get_their_share_and_one_that_goes_takes_no_call_with_it() -> None:
    """Connections live for 1 s, and names are asked for every 5 s at most: six seconds until all three are called."""
    port, pods = free_port(), [Things() for _ in range(3)]
    async with AsyncExitStack() as stack:
        names = stack.enter_context(name_server("127.0.0.1"))
        doors = [await stack.enter_async_context(door(pods[0], f"127.0.0.1:{port}", age=1))]
        channel = await stack.enter_async_context(open_channel(names.target("things", port)))
        async with calling(method(channel, MAKE)):
            for number in (1, 2):
                opened = door(pods[number], f"127.0.0.{number + 1}:{port}", age=1)
                doors.append(await stack.enter_async_context(opened))
            names.addresses = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
            async with asyncio.timeout(15):
                await asyncio.gather(pods[1].taken.wait(), pods[2].taken.wait())
            # The name still stands for all three: they go by what they say of themselves.
            await asyncio.gather(*(close(5) for _, close in doors[1:]))
            pods[0].taken.clear()
            await pods[0].taken.wait()


@asynccontextmanager
async def calling(make: Callable[..., Awaitable[bytes]]) -> AsyncIterator[None]:
    """Calls all the time, several at once; one that fails fails the test."""

    async def call() -> None:
        while not done:
            await make(timeout=5)
            await asyncio.sleep(0.005)

    done = False
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(call())
        yield
        done = True


async def test_a_long_call_of_a_connection_that_came_of_age_is_not_cut_by_a_short_grace_of_the_process() -> None:
    things = Things()
    things.open.clear()
    async with door(things, age=0.5, grace=0.5) as (port, _), open_channel(f"127.0.0.1:{port}") as channel:
        call = asyncio.ensure_future(method(channel)(timeout=30))
        await things.taken.wait()
        await asyncio.sleep(2.0)
        things.open.set()
        assert await call == b"1"


def test_an_ageing_connection_lasts_longer_than_a_stream_of_calls_may() -> None:
    with pytest.raises(ValidationError, match="gateway_call_seconds"):
        GatewaySettings.model_validate({"gateway_call_seconds": AGE_GRACE_SECONDS - LIFE_SECONDS})
