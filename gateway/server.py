"""The HTTP server as a process.Door: uvicorn on a socket of our own, so that a taken port is one clear line."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from chassis.settings import SettingsError

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 75


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are chassis.process's."""
        yield


class HttpServer:
    """Serves an ASGI app at host:port."""

    def __init__(self, address: str, app: ASGIApp) -> None:
        self._address = address
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        self._server = _Server(config)
        self._serving: asyncio.Task[None] | None = None
        self.port = 0

    async def open(self) -> None:
        """Listens. SettingsError when the address cannot be had."""
        listening = _listen(self._address)
        self.port = listening.getsockname()[1]
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening]), name="http")

    async def close(self, grace: float) -> None:
        """Takes no new connection, answers what was asked, for at most `grace` seconds."""
        if self._serving is not None:
            self._server.config.timeout_graceful_shutdown = max(1, int(grace))
            self._server.should_exit = True
            await self._serving


def _listen(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: connections inherit it, and asyncio takes Nagle's delay (40 ms an answer) off those alone.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, int(port)))
        listening.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "no such address"
        raise SettingsError([f"RUNHOOK_GATEWAY_ADDRESS: cannot listen on {address}: {reason}"]) from error
    return listening
