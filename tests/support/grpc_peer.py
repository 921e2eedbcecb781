"""Real gRPC servers and clients inside a test: on a port of the system's choice, observed as the services' own are."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from chassis.calls import observing
from chassis.grpc_server import LARGEST_MESSAGE, READINESS


async def say_ready(server: grpc.aio.Server) -> None:
    """Health as our services have it: channels watch it."""
    health = HealthServicer()
    await health.set(READINESS, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)


@asynccontextmanager
async def serving(add: Callable[[grpc.aio.Server], None], address: str = "127.0.0.1:0") -> AsyncIterator[str]:
    """Serves what `add` registers, for as long as the block lasts; gives its target."""
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", LARGEST_MESSAGE),
            ("grpc.max_send_message_length", LARGEST_MESSAGE),
            ("grpc.so_reuseport", 0),
        ],
    )
    add(observing(server))
    await say_ready(server)
    port = server.add_insecure_port(address)
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """The metadata of a caller."""
    return (("authorization", f"Bearer {token}"),)
