"""One connection to an endpoint: writes a request, reads its answer, and tells its keeper how it ended.

Invariant: a connection carries at most one post at a time, and once its keeper was told how that post ended, it has
let go of it; what comes after that belongs to nobody and closes the connection.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from delivery_svc.sending.answer import Answer, AnswerError
from delivery_svc.sending.endpoint import Endpoint, Origin
from delivery_svc.sending.exchange import ErrorClass, Exchange
from delivery_svc.sending.phase import Dial
from delivery_svc.sending.tls import tls_detail


@dataclass(slots=True, eq=False)
class Post:
    """One request on its way. Times are monotonic seconds; `dial` is None as long as a kept connection carries it."""

    endpoint: Endpoint
    request: bytes
    done: Callable[[Exchange], None]
    started_at: float
    deadline: float
    dial: Dial | None = None
    connection: "Connection | None" = None
    dialing: "asyncio.Task[None] | None" = None
    retried: bool = False
    settled: bool = False

    @property
    def phase(self) -> str:
        """Where it stands; "" when it has not begun."""
        if self.connection is not None:
            return self.connection.phase
        return "" if self.dial is None else self.dial.phase


class Keeper(Protocol):
    """Who a connection reports to: the sender."""

    def opened(self, connection: "Connection") -> None:
        """The connection is open and about to carry its first post."""

    def laden(self, connection: "Connection") -> None:
        """The connection carries a post: `write` is to be called before the event loop waits again."""

    def answered(self, connection: "Connection", post: Post) -> None:
        """The answer is complete."""

    def broken(self, connection: "Connection", post: Post, error: ErrorClass, detail: str) -> None:
        """There will be no answer on this connection."""

    def retired(self, connection: "Connection") -> None:
        """The connection, which carries nothing, is no longer fit for use."""

    def gone(self, connection: "Connection") -> None:
        """The connection is closed."""


class Connection(asyncio.Protocol):
    """An open connection and the answer that it is reading. It writes its first post as soon as it is made."""

    __slots__ = ("_clogged", "_keeper", "_post", "_transport", "_unsent", "_uses", "answer", "idle_since", "origin")

    _transport: asyncio.Transport

    def __init__(self, keeper: Keeper, first: Post, answer_limit: int) -> None:
        self.origin: Origin = first.endpoint.origin
        self.answer = Answer(answer_limit)
        self.idle_since = 0.0
        self._keeper = keeper
        self._post: Post | None = first
        self._unsent = b""
        self._uses = 0
        self._clogged = False

    def carry(self, post: Post) -> None:
        """Take the post's request, which `write` sends, and read its answer."""
        self._uses += 1
        self._post = post
        post.connection = self
        self._unsent = post.request
        self._keeper.laden(self)

    def write(self) -> None:
        """Write the request of the post that it carries, in one piece."""
        request, self._unsent = self._unsent, b""
        if self._post is not None and request:
            self._transport.write(request)

    @property
    def is_usable(self) -> bool:
        return not self._transport.is_closing()

    @property
    def is_written(self) -> bool:
        """Whether all of the request has left for the network."""
        return not self._unsent and not self._transport.get_write_buffer_size()

    @property
    def phase(self) -> str:
        """Where the post stands that this connection carries."""
        if self.answer.status_code:
            return "body"
        unread = not self.answer.received and (self._clogged or not self.is_written)
        return "write" if unread else "answer"

    @property
    def was_kept(self) -> bool:
        """Whether the post that it carries is not its first."""
        return self._uses > 1

    def abort(self) -> None:
        """Close at once, without waiting for the peer, and forget the post."""
        self._post = None
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._keeper.opened(self)
        post = self._post
        if post is None or post.settled:
            self.abort()
        else:
            if post.dial is not None:
                post.dial.end(time.monotonic())
            self.carry(post)

    # A transport that breaks forgets what it had not written yet; that it had told us to pause is what remains.

    def pause_writing(self) -> None:
        self._clogged = True

    def resume_writing(self) -> None:
        self._clogged = False

    def data_received(self, data: bytes) -> None:
        post = self._post
        if post is None:
            self._retire()
            return
        try:
            self.answer.feed(data)
        except AnswerError as garbage:
            self._post = None
            self._keeper.broken(self, post, ErrorClass.PROTOCOL, str(garbage))
            return
        if self.answer.complete:
            self._post = None
            self._keeper.answered(self, post)

    def eof_received(self) -> None:
        # A peer that only half-closes has said its last word too.
        self._end_post()
        self._retire()

    def connection_lost(self, exc: Exception | None) -> None:
        # In TLS 1.3 the endpoint judges our certificate when we take the handshake to be over.
        if isinstance(exc, ssl.SSLError) and self._post is not None and not (self.was_kept or self.answer.received):
            post, self._post = self._post, None
            self._keeper.broken(self, post, ErrorClass.TLS, tls_detail(exc))
        self._end_post()
        self._keeper.gone(self)

    def _end_post(self) -> None:
        post, self._post = self._post, None
        if post is None:
            return
        if self.answer.end():
            self._keeper.answered(self, post)
        elif self.answer.received:
            self._keeper.broken(self, post, ErrorClass.RESET, "The endpoint closed the connection within its answer.")
        else:
            self._keeper.broken(self, post, ErrorClass.RESET, "The endpoint closed the connection without an answer.")

    def _retire(self) -> None:
        """Close, because whoever is at the other end has closed, or does not keep to the protocol."""
        self._keeper.retired(self)
        self._transport.abort()
