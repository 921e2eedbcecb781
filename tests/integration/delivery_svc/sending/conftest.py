"""The sender against real sockets, on both loops: uvloop, for which it is made, and the standard library's."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
import uvloop

from delivery_svc.sending.address import AddressPolicy
from delivery_svc.sending.resolver import Resolver
from delivery_svc.sending.sender import Sender
from delivery_svc.sending.tls import tls_context

MakeSender = Callable[..., Sender]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


@pytest.fixture(scope="session")
def system_roots() -> ssl.SSLContext:
    return tls_context()


@pytest.fixture
async def make_sender(system_roots: ssl.SSLContext) -> AsyncIterator[MakeSender]:
    """Makes senders that may go to loopback; sees to it that they end, and that the loop saw no unhandled fault."""
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    made: list[Sender] = []
    resolver = Resolver()

    def make(**settings: Any) -> Sender:
        defaults = {"policy": AddressPolicy(["127.0.0.0/8", "::1/128"]), "resolver": resolver, "tls": system_roots}
        made.append(Sender(**{**defaults, **settings}))
        return made[-1]

    yield make
    for sender in made:
        await sender.close()
        assert sender.in_flight == 0
        assert sender.idle_connections == 0
        assert sender.open_connections == 0
    resolver.close()
    assert not faults


@pytest.fixture
async def sender(make_sender: MakeSender) -> Sender:
    return make_sender()
