"""The reading half of a connection: uvicorn's HTTP protocol, fed so that nothing a client sends can grow without bound.

    HEAD    between requests, or inside a head
    BODY    a head was read, its body is on its way: flow control is uvicorn's, the bytes held are counted
    ANSWER  a request is whole, its answer is not: what comes now waits as bytes, and reading pauses
    OVER    the last answer is written: what still comes is thrown away

Invariant: a request whose head breaks a rule is never seen by an app, and one request at a time is.
"""

from typing import NoReturn

from httptools import HttpParserError, HttpParserInvalidMethodError, HttpRequestParser
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.edge import head
from gateway.edge.crowd import Place
from gateway.edge.framing import Framing
from gateway.http_errors import HttpError
from gateway.settings import GatewaySettings

HEAD, BODY, ANSWER, OVER = range(4)
MOST_THROWN_AWAY = 16 * 1024 * 1024


class _UpgradeOffered(Exception):
    """Ends the parsing of a head that is to be parsed again without its Upgrade."""


class Reader(HttpToolsProtocol):
    """Cuts and parses what arrives. What is wrong with it goes to `refuse`."""

    def __init__(self, settings: GatewaySettings, place: Place, config: Config, state: ServerState) -> None:
        super().__init__(config, state, app_state={})
        self._settings = settings
        self._place = place
        self._framing = Framing()
        self._phase = HEAD
        self._unread = b""
        self._bare = 0  # bytes since the last that was a body's
        self._thrown_away = 0
        self._fault: HttpError | None = None
        self.url = b""
        self._offers_upgrade = False

    def refuse(self, error: HttpError) -> None:
        """Answers in the place of an app, and ends the connection."""
        raise NotImplementedError

    def data_received(self, data: bytes) -> None:
        if self._phase == OVER:
            self._throw_away(len(data))
        elif self._phase == ANSWER:
            self._unread += data
            self.flow.pause_reading()
        else:
            self._read(data)

    def on_url(self, url: bytes) -> None:
        self.url += url
        most = self._settings.gateway_target_bytes
        if len(self.url) > most:
            message = f"the request's target must have at most {most:,} bytes"
            self._fail(HttpError(414, message, reason="TARGET_TOO_LONG"))

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._phase != HEAD:
            return  # a trailer: nobody here asked for it, and it must not pass for a header
        name = name.lower()
        self.headers.append((name, value))
        if name == b"expect":
            self.expect_100_continue = True

    def on_headers_complete(self) -> None:
        if len(self.headers) > self._settings.gateway_headers:
            self._fail(self._head_too_large())
        version, method = self.parser.get_http_version(), self.parser.get_method()
        try:
            length = head.body_length(method, version, self.url, self.headers)
        except HttpError as error:
            self._fail(error)
        self._offers_upgrade = self.parser.should_upgrade()
        if self._offers_upgrade:
            raise _UpgradeOffered
        if version == "1.0":
            self.expect_100_continue = False
        self._framing.expect_body(length)
        self._phase = BODY
        self._bare = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._bare = 0
        self.expect_100_continue = False
        if self.cycle.response_complete:
            self._throw_away(len(body))
            return
        try:
            self._place.hold(len(body))
        except HttpError as error:
            self._fail(error)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._bare = 0
        self._phase = HEAD if self.cycle.response_complete else ANSWER

    def _read(self, data: bytes) -> None:
        start = 0
        while start < len(data) and self._phase in (HEAD, BODY):
            end = self._framing.cut(data, start)
            self._feed(data if end - start == len(data) else data[start:end])
            start = end
        if self._phase == ANSWER and start < len(data):
            self._unread = data[start:]
            self.flow.pause_reading()

    def _read_on(self) -> None:
        """The request is answered: the next one is read, of which some may be here."""
        self._phase = HEAD
        if self._unread:
            data, self._unread = self._unread, b""
            self._read(data)

    def _feed(self, piece: bytes) -> None:
        self._bare += len(piece)
        beyond = self._bare - self._settings.gateway_head_bytes
        if beyond > 0 and self._phase == HEAD:
            piece = piece[: max(0, len(piece) - beyond)]  # its end, which would make it a request, is never read
        try:
            self.parser.feed_data(piece)
        except HttpParserError as error:
            if self._offers_upgrade:
                self._feed_without_upgrade()
            else:
                unknown = isinstance(error, HttpParserInvalidMethodError)
                self.refuse(self._fault or head.not_read(piece if unknown else b""))
        else:
            if self._bare > self._settings.gateway_head_bytes:
                self.refuse(self._head_too_large())

    def _feed_without_upgrade(self) -> None:
        """Nothing to upgrade to is served here, and of a request that offers it the parser would pass over the body."""
        self._offers_upgrade = False
        first = b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        lines = [b"%s: %s" % (name, value) for name, value in self.headers if name != b"upgrade"]
        self.parser = HttpRequestParser(self)
        self._bare = 0
        self._feed(b"\r\n".join([first, *lines, b"", b""]))

    def _throw_away(self, size: int) -> None:
        self._thrown_away += size
        if self._thrown_away > MOST_THROWN_AWAY:
            self.transport.close()

    def _head_too_large(self) -> HttpError:
        most = f"{self._settings.gateway_head_bytes:,} bytes and {self._settings.gateway_headers} headers"
        return HttpError(431, f"the head must have at most {most}", reason="HEAD_TOO_LARGE")

    def _fail(self, error: HttpError) -> NoReturn:
        """Ends the parsing: what a callback raises comes out of feed_data as the parser's own error."""
        self._fault = error
        raise error
