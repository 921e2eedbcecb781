"""Real gRPC servers and clients inside a test: on a port of the system's choice, with the services' own interceptor."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc

from chassis.grpc_server import LARGEST_MESSAGE
from chassis.interceptor import Interceptor


@asynccontextmanager
async def serving(add: Callable[[grpc.aio.Server], None], address: str = "127.0.0.1:0") -> AsyncIterator[str]:
    """Serves what `add` registers, for as long as the block lasts; gives its target."""
    server = grpc.aio.server(
        interceptors=[Interceptor()],
        options=[
            ("grpc.max_receive_message_length", LARGEST_MESSAGE),
            ("grpc.max_send_message_length", LARGEST_MESSAGE),
            ("grpc.so_reuseport", 0),
        ],
    )
    add(server)
    port = server.add_insecure_port(address)
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """The metadata of a caller."""
    return (("authorization", f"Bearer {token}"),)
