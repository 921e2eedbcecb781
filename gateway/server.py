"""The HTTP server as a process.Door: uvicorn's, with connections and a listening socket of our own.

Invariant: a taken port or a certificate that cannot be used is one clear line, before anything is served.
"""

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from chassis.loop import Loop
from chassis.settings import SettingsError
from gateway.edge.acceptor import Acceptor
from gateway.edge.certificate import Certificate
from gateway.edge.connection import Connection
from gateway.edge.crowd import Crowd, Place
from gateway.edge.proxies import TrustedProxies
from gateway.settings import GatewaySettings

BACKLOG = 2048
SWEEP_SECONDS = 0.5
CERTIFICATE_SECONDS = 60.0
OTHER_FILES = 256
SHARE_OF_GRACE = 0.9  # what is left belongs to the rooms behind


class HttpServer:
    """Serves an ASGI app as the settings say: where, over TLS or not, within which limits."""

    def __init__(self, settings: GatewaySettings, app: ASGIApp) -> None:
        self._settings = settings
        self._server = _Server(settings, app)
        self._stopped = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.port = 0

    async def open(self) -> None:
        """Listens. SettingsError when the address cannot be had, or the certificate not be used."""
        loops = [Loop("sweep", self._server.sweep, interval=SWEEP_SECONDS)]
        certificate = None
        if self._settings.gateway_tls_cert is not None and self._settings.gateway_tls_key is not None:
            certificate = Certificate(self._settings.gateway_tls_cert, self._settings.gateway_tls_key)
            loops.append(Loop("certificate", certificate.renew, interval=CERTIFICATE_SECONDS))
        listening = _listen(self._settings.gateway_address)
        _allow_files(self._settings.gateway_connections + OTHER_FILES)
        self.port = listening.getsockname()[1]
        self._server.listen(listening, certificate)
        self._tasks = [asyncio.create_task(self._server.serve(), name="http")]
        self._tasks += [asyncio.create_task(loop.run(self._stopped), name=loop.name) for loop in loops]

    async def close(self, grace: float) -> None:
        """Takes no new connection, answers what was asked, for at most `grace` seconds."""
        if self._tasks:
            self._server.config.timeout_graceful_shutdown = max(1, int(grace * SHARE_OF_GRACE))
            self._server.should_exit = True
            await self._tasks[0]
            self._server.abort()
            self._stopped.set()
            await asyncio.gather(*self._tasks)


class _Server(uvicorn.Server):
    """uvicorn's, which dates answers and drains; it neither listens nor handles signals itself."""

    def __init__(self, settings: GatewaySettings, app: ASGIApp) -> None:
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
        )
        super().__init__(config)
        self._settings = settings
        self._trusted = TrustedProxies(settings.proxy_networks)
        self._connections = cast(set[Connection], self.server_state.connections)

    def listen(self, listening: socket.socket, certificate: Certificate | None) -> None:
        """Takes connections from here on."""
        settings = self._settings
        crowd = Crowd(
            most=settings.gateway_connections,
            most_each=settings.gateway_connections_per_address,
            most_bytes=settings.gateway_bodies_bytes,
        )
        self.servers = [
            Acceptor(listening, self._connection, crowd, self._trusted, certificate, settings.gateway_head_seconds)  # type: ignore[list-item]
        ]

    async def sweep(self) -> None:
        """Ends what is past its deadline."""
        now = asyncio.get_running_loop().time()
        for connection in list(self._connections):
            if now > connection.deadline or now > connection.write_deadline:
                connection.expire()

    def abort(self) -> None:
        """Ends what the grace period has left."""
        for connection in list(self._connections):
            connection.transport.abort()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Nothing: `listen` went before."""
        self.started = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are chassis.process's."""
        yield

    def _connection(self, place: Place) -> Connection:
        return Connection(self._settings, self._trusted, place, self.config, self.server_state)


def _listen(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: connections inherit it, and asyncio takes Nagle's delay (40 ms an answer) off those alone.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setblocking(False)
    try:
        listening.bind((host, int(port)))
        listening.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "no such address"
        raise SettingsError([f"RUNHOOK_GATEWAY_ADDRESS: cannot listen on {address}: {reason}"]) from error
    return listening


def _allow_files(count: int) -> None:
    """As many open files as the connections may need, where the host lets a process raise its own limit so far."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
