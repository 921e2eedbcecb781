"""Takes connections from the listening socket, for uvicorn's Server one of its servers.

Invariant: a connection has its place in the crowd before anything is made for it, TLS handshake included; one that has none
is told so in a single write and costs nothing more.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from chassis.logs import get_logger
from gateway import metrics
from gateway.edge.answer_headers import request_id
from gateway.edge.certificate import Certificate
from gateway.edge.connection import Connection
from gateway.edge.crowd import EXEMPT, Crowd, Place, neighbourhood
from gateway.edge.proxies import TrustedProxies
from gateway.edge.refusal import raw_answer
from gateway.http_errors import HttpError

log = get_logger()
MOST_AT_ONCE = 64
PAUSE_SECONDS = 1.0
TLS_SHUTDOWN_SECONDS = 5.0


class Acceptor:
    """`make` makes the protocol of a connection that was given a place."""

    def __init__(
        self,
        listening: socket.socket,
        make: Callable[[Place], Connection],
        crowd: Crowd,
        trusted: TrustedProxies,
        certificate: Certificate | None,
        handshake_seconds: float,
    ) -> None:
        self._listening = listening
        self._make = make
        self._crowd = crowd
        self._trusted = trusted
        self._certificate = certificate
        self._handshake_seconds = handshake_seconds
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = True
        self._resume()

    def close(self) -> None:
        """Takes no more; what is not yet a connection is dropped."""
        self._open = False
        self._loop.remove_reader(self._listening)
        self._listening.close()
        for task in self._tasks:
            task.cancel()

    async def wait_closed(self) -> None:
        """Returns when nothing of it is left."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _resume(self) -> None:
        if self._open:
            self._loop.add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        for _ in range(MOST_AT_ONCE):
            try:
                accepted, address = self._listening.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:  # out of files or of memory: others give some back in a moment
                log.warning("acceptor.paused", error=repr(error))
                self._loop.remove_reader(self._listening)
                self._loop.call_later(PAUSE_SECONDS, self._resume)
                return
            accepted.setblocking(False)
            self._admit(accepted, address[0])

    def _admit(self, accepted: socket.socket, peer: str) -> None:
        try:
            place = self._crowd.enter(EXEMPT if self._trusted.trusts(peer) else neighbourhood(peer))
        except HttpError as error:
            metrics.refused(error.reason)
            with suppress(OSError), accepted:
                if self._certificate is None:
                    accepted.send(raw_answer(error, request_id(None)))
            return
        task = self._loop.create_task(self._greet(accepted, place))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _greet(self, accepted: socket.socket, place: Place) -> None:
        try:
            if self._certificate is None:
                await self._loop.connect_accepted_socket(lambda: self._make(place), accepted)
            else:
                await self._loop.connect_accepted_socket(
                    lambda: self._make(place),
                    accepted,
                    ssl=self._certificate.context,
                    ssl_handshake_timeout=self._handshake_seconds,
                    ssl_shutdown_timeout=TLS_SHUTDOWN_SECONDS,
                )
        except OSError:  # no TLS, none in common, or too slow
            metrics.refused("TLS_HANDSHAKE")
            place.leave()
        except BaseException:
            place.leave()
            raise
