"""One client's connection: what it may take of time, and how it ends.

Invariant: at any time a connection has a deadline, or an app that has its own is at work for it. The sweep ends what is
past one. An answer that was written can be read: what the client still sends is let in for a moment, since a socket that
is closed with bytes on their way to it resets the connection.
"""

import asyncio
import math
from collections.abc import Callable
from typing import cast

from uvicorn import Config
from uvicorn.server import ServerState

from chassis.logs import get_logger
from gateway import metrics
from gateway.edge import answer_headers, proxies
from gateway.edge.crowd import Place
from gateway.edge.proxies import TrustedProxies
from gateway.edge.reading import ANSWER, BODY, HEAD, OVER, Reader
from gateway.edge.refusal import raw_answer
from gateway.http_errors import HttpError
from gateway.settings import GatewaySettings

log = get_logger()
NEVER = math.inf
LINGER_SECONDS = 2.0
LAME_DUCK_SECONDS = 1.0
BODY_SECONDS = 5.0  # within which a body need not have come on
SLOWEST_SENDER = 1024  # bytes a second of a body after that
SLOWEST_READER = 64 * 1024  # bytes a second, beyond the seconds that every answer may take


class Outlet:
    """What uvicorn's request writes to in place of the transport: its close leaves the client time to read."""

    __slots__ = ("close", "is_closing", "write")

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = close


class Connection(Reader):
    """From its acceptance to its end. `deadline` and `write_deadline` are of the loop's clock."""

    def __init__(
        self, settings: GatewaySettings, trusted: TrustedProxies, place: Place, config: Config, state: ServerState
    ) -> None:
        super().__init__(settings, place, config, state)
        self.deadline = self.write_deadline = NEVER
        self._trusted = trusted
        self._outlet: Outlet
        self._behind_proxy = self._keep_alive = self._half_closed = self._draining = False
        self._body_began = 0.0
        self._body_bytes = 0

    # From the transport.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._outlet = Outlet(transport, self._end)
        self._behind_proxy = self.client is not None and self._trusted.trusts(self.client[0])
        self._give(self._settings.gateway_head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._place.leave()
        super().connection_lost(exc)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Who ends its side after a whole request still gets the answer."""
        self._half_closed = self._phase == ANSWER and self.scheme == "http"
        return self._half_closed

    def pause_writing(self) -> None:
        super().pause_writing()
        longest = self._settings.gateway_write_seconds + self.transport.get_write_buffer_size() / SLOWEST_READER
        self.write_deadline = self.loop.time() + longest

    def resume_writing(self) -> None:
        super().resume_writing()
        self.write_deadline = NEVER

    # From the server.

    def expire(self) -> None:
        """A deadline is over."""
        self.deadline = self.write_deadline = NEVER
        if self.transport.get_write_buffer_size():
            metrics.refused("READER_TOO_SLOW")
            self.transport.abort()
        elif self.transport.is_closing():
            return  # its end is on its way
        elif self._phase == HEAD and self._bare:
            seconds = self._settings.gateway_head_seconds
            self.refuse(HttpError(408, f"the head did not arrive within {seconds:g} s", reason="HEAD_TOO_SLOW"))
        elif self._phase == BODY and not self.cycle.response_started:
            self.refuse(HttpError(408, "the body came too slowly, or not at all", reason="BODY_TOO_SLOW"))
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """Answers what was asked, and what is asked within a moment, with `Connection: close`."""
        self._draining = True
        if self._phase in (BODY, ANSWER) and not self.cycle.response_complete:
            self._keep_alive = self.cycle.keep_alive = False
        elif self._phase == BODY:
            self._linger()
        elif not self._bare:
            self.deadline = min(self.deadline, self.loop.time() + LAME_DUCK_SECONDS)

    # From the parser.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._give(self._settings.gateway_head_seconds)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._body_began = self.loop.time()
        self._body_bytes = 0
        self._expect_more()
        if not self.url.startswith(b"/"):
            self.scope["runhook.absolute"] = True  # type: ignore[typeddict-unknown-key]
        if self._behind_proxy and self.client is not None:
            self.scope["client"] = (self._trusted.client_of(self.client[0], self.headers), 0)
            self.scope["scheme"] = proxies.scheme_of(self.headers, self.scope["scheme"])
        self.cycle.transport = self._outlet  # type: ignore[assignment]
        self._keep_alive = self.cycle.keep_alive and not self._draining
        # Who waits for 100 Continue and is refused may send the body or not: nobody could tell what comes next.
        self.cycle.keep_alive = self._keep_alive and not self.expect_100_continue

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if not self.cycle.response_complete:
            self._body_bytes += len(body)
            self._expect_more()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.deadline = NEVER
        if self._phase == HEAD:  # answered before it was whole
            self._give(self._settings.gateway_idle_seconds)
        else:
            self.cycle.keep_alive = self._keep_alive

    # From the request.

    def on_response_complete(self) -> None:
        self._place.release()
        if self.transport.is_closing():
            self._give(self._settings.gateway_write_seconds)
            return
        self.flow.resume_reading()
        if self._phase == BODY:  # answered early: the rest is read and thrown away
            self._give(self._settings.gateway_body_seconds)
        elif self._phase == ANSWER:
            self._give(self._settings.gateway_idle_seconds)
            self._read_on()
            if self._half_closed and self._phase == HEAD:
                self.transport.close()

    # Its end.

    def refuse(self, error: HttpError) -> None:
        begun = self._phase == BODY and self.cycle.response_started
        request_id = answer_headers.request_id(dict(self.headers or ()).get(answer_headers.REQUEST_ID))
        if self._phase == BODY:  # an app may be at it, and have named it
            request_id = cast(str, self.scope.get("runhook.request_id", request_id))
            self.cycle.disconnected = True
            self.cycle.waiting_for_100_continue = False
            self.cycle.message_event.set()
            self._place.release()
        metrics.refused(error.reason)
        peer = self.client[0] if self.client else None
        log.info("request.refused", status=error.status, reason=error.reason, client=peer, request_id=request_id)
        if begun:
            self._phase = OVER
            self.transport.close()
            return
        dates = self.server_state.default_headers
        self.transport.write(raw_answer(error, request_id, target=self.url, scheme=self.scheme or "http", dates=dates))
        self._linger()

    def _end(self) -> None:
        if self._phase == BODY and not self.expect_100_continue:
            self._linger()
        else:
            self.transport.close()

    def _linger(self) -> None:
        self._phase = OVER
        self._unread = b""
        self._thrown_away = 0
        self._give(LINGER_SECONDS)
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _expect_more(self) -> None:
        longest = BODY_SECONDS + self._body_bytes / SLOWEST_SENDER
        self.deadline = self._body_began + min(self._settings.gateway_body_seconds, longest)

    def _give(self, seconds: float) -> None:
        self.deadline = self.loop.time() + seconds
