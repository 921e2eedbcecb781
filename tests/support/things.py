"""A service's own door with one small service behind it, for tests of how our processes meet."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from chassis.errors import Unavailable
from chassis.grpc_server import GrpcServer
from chassis.identity import identity_of
from chassis.settings import ServiceSettings
from tests.support.service_process import free_port

SERVICE = "test.Things"
GET, MAKE = f"/{SERVICE}/GetThing", f"/{SERVICE}/MakeThing"
Context = grpc.aio.ServicerContext[bytes, bytes]


class Things:
    """GetThing and MakeThing answer with the number of calls so far, once `open` is set. The first `away` calls are told
    UNAVAILABLE; `taken` is set by each."""

    def __init__(self, *, away: int = 0) -> None:
        self.calls = 0
        self.open = asyncio.Event()
        self.open.set()
        self.taken = asyncio.Event()
        self._away = away

    async def answer(self, request: bytes, context: Context) -> bytes:
        """Of both."""
        self.calls += 1
        self.taken.set()
        if self.calls <= self._away:
            raise Unavailable("AWAY", "not now")
        await self.open.wait()
        return str(self.calls).encode()

    def add(self, server: grpc.aio.Server) -> None:
        """Registers it."""
        handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            path.rpartition("/")[2]: grpc.unary_unary_rpc_method_handler(self.answer) for path in (GET, MAKE)
        }
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])


def method(channel: grpc.aio.Channel, path: str = GET) -> Callable[..., Awaitable[bytes]]:
    """One of them, to be called with `timeout`."""
    bound: Any = channel.unary_unary(path)
    return lambda *, timeout: bound(b"", timeout=timeout)


@asynccontextmanager
async def door(
    things: Things,
    address: str = "",
    *,
    health: str | None = None,
    age: float = 60.0,
    grace: float = 5.0,
    papers: dict[str, Path] | None = None,
) -> AsyncIterator[tuple[int, Callable[[float], Awaitable[None]]]]:
    """Serves them as a service serves, at `address` or on a port that it gives; and its `close`."""
    address = address or f"127.0.0.1:{free_port()}"
    settings = ServiceSettings.model_validate(
        {
            "database_url": "postgresql://nobody@nowhere/nothing",
            "grpc_address": address,
            "grpc_health_address": health,
            "grpc_connection_age_seconds": age,
            "grace_seconds": grace,
            **{name.lower(): path for name, path in (papers or {}).items()},
        }
    )
    server = GrpcServer(settings, identity_of(settings), things.add, [SERVICE])
    await server.open()
    try:
        yield int(address.rpartition(":")[2]), server.close
    finally:
        await server.close(0)
