"""The one door outward: a POST-only HTTP/1.1 client, in callbacks on asyncio.

Invariant: every post is reported exactly once, within its deadline and the sweep's step, whatever the endpoint does.
There is no task, future or timer per post: tasks exist for connects only, and one sweep watches all deadlines.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from functools import partial

from delivery_svc.sending.address import AddressPolicy
from delivery_svc.sending.connection import Connection, Post
from delivery_svc.sending.dialer import Dialer
from delivery_svc.sending.endpoint import Endpoint
from delivery_svc.sending.exchange import ErrorClass, Exchange, unanswered
from delivery_svc.sending.phase import PHASES, DialError
from delivery_svc.sending.pool import IdlePool
from delivery_svc.sending.proxy import Proxy, absolute_opening
from delivery_svc.sending.resolver import Resolver
from delivery_svc.sending.tls import tls_context


class Sender:
    """Sends posts over kept connections. Make it in the running loop; it starts nothing that close() does not end.

    `timeout`, `idle_seconds` and `sweep_seconds` are seconds, `answer_limit` is bytes. With a `proxy`, everything goes by
    way of it, and the policy sees only addresses that a URL spells out: vetting the others is the proxy's task. `fresh_tls`
    makes contexts like `tls`, one for each client certificate.

    The sweep is one call_later chain, which runs only while something is in flight or idle: an idle sender costs nothing.
    """

    def __init__(
        self,
        *,
        policy: AddressPolicy,
        resolver: Resolver,
        tls: ssl.SSLContext,
        timeout: float = 10.0,
        idle_per_endpoint: int = 4,
        idle_total: int = 2000,
        idle_seconds: float = 30.0,
        answer_limit: int = 65536,
        sweep_seconds: float = 0.1,
        proxy: Proxy | None = None,
        fresh_tls: Callable[[], ssl.SSLContext] = tls_context,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        # A quarter: four silent addresses can be tried before the time is up.
        patience_seconds = timeout / 4
        self._dialer = Dialer(
            policy=policy,
            resolver=resolver,
            tls=tls,
            patience_seconds=patience_seconds,
            proxy=proxy,
            fresh_tls=fresh_tls,
        )
        self._absolute = proxy is not None
        self._idle = IdlePool(per_origin=idle_per_endpoint, total=idle_total, seconds=idle_seconds)
        self._timeout = timeout
        self._answer_limit = answer_limit
        self._sweep_seconds = sweep_seconds
        self._posts: dict[Post, None] = {}  # a dict keeps its order: with one timeout, the next to expire is first
        self._open: set[Connection] = set()
        self.dialed = self.reused = 0  # since the beginning: connections opened, posts that a kept one carried
        self._laden: list[Connection] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._none_open = asyncio.Event()
        self._closed = False

    @property
    def in_flight(self) -> int:
        """Posts that are not reported yet."""
        return len(self._posts)

    @property
    def idle_connections(self) -> int:
        return len(self._idle)

    @property
    def open_connections(self) -> int:
        """Connections that carry a post or are idle; not those that are still being opened."""
        return len(self._open)

    def send(self, endpoint: Endpoint, headers: bytes, body: bytes, done: Callable[[Exchange], None]) -> None:
        """POST `body`; `done` gets the report, once, from the event loop and never before send() returns.

        `headers` are whole lines ("Name: value\\r\\n" each) without Host and Content-Length; their caller vouches for
        them. An endpoint that fails is a report, not an exception.
        """
        now = time.monotonic()
        opening = absolute_opening(endpoint) if self._absolute and not endpoint.tls else endpoint.opening
        request = b"%b%bContent-Length: %d\r\n\r\n%b" % (opening, headers, len(body), body)
        post = Post(endpoint, request, done, now, now + self._timeout)
        self._posts[post] = None
        if self._closed:
            self._loop.call_soon(self._fail, post, ErrorClass.SHUTDOWN, "The sender is shutting down.", "")
            return
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(self._sweep_seconds, self._sweep)
        connection = self._idle.take(endpoint.origin)
        if connection is None:
            self._dial(post)
        else:
            self.reused += 1
            connection.carry(post)

    async def close(self) -> None:
        """Report what is in flight as SHUTDOWN and close every connection. Later posts are reported likewise."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        dialing = [post.dialing for post in self._posts if post.dialing is not None]
        for post in list(self._posts):
            self._abandon(post, ErrorClass.SHUTDOWN, "The sender is shutting down.")
        self._idle.close()
        await asyncio.gather(*dialing, return_exceptions=True)
        for connection in self._open:
            connection.abort()
        if self._open:
            self._none_open.clear()
            await self._none_open.wait()

    # What connections report (connection.Keeper).

    def opened(self, connection: Connection) -> None:
        self.dialed += 1
        self._open.add(connection)

    def laden(self, connection: Connection) -> None:
        if not self._laden:
            self._loop.call_soon(self._write)
        self._laden.append(connection)

    def answered(self, connection: Connection, post: Post) -> None:
        now = time.monotonic()
        answer = connection.answer
        status_code = answer.status_code
        # Success has no use for it, and looking for it is not free.
        retry_after = answer.retry_after(time.time()) if status_code >= 300 else None
        duration = now - post.started_at
        body, head = answer.excerpt, answer.head
        # By position: names would cost this line, which every post passes, a third more.
        exchange = Exchange(status_code, ErrorClass.NONE, "", retry_after, body, duration, "", None, None, None, head)
        if answer.reusable and connection.is_written and not self._closed:
            # Now, not with the next post: what is idle keeps no answer in memory.
            answer.begin()
            self._idle.put(connection, now)
        else:
            connection.abort()
        self._report(post, exchange)

    def broken(self, connection: Connection, post: Post, error: ErrorClass, detail: str) -> None:
        phase = connection.phase
        connection.abort()
        # The peer closed a kept connection just as it was used again: it may not have seen the request at all.
        stale = error is ErrorClass.RESET and connection.was_kept and not connection.answer.received
        if stale and not post.retried and not self._closed:
            post.retried = True
            self._dial(post)
        else:
            self._fail(post, error, detail, phase)

    def retired(self, connection: Connection) -> None:
        self._idle.remove(connection)

    def gone(self, connection: Connection) -> None:
        self._idle.remove(connection)
        self._open.discard(connection)
        if not self._open:
            self._none_open.set()

    def _write(self) -> None:
        """Write what this turn of the loop brought, in one go: a peer that is woken once for many requests costs both sides a
        fraction of one that is woken for each."""
        laden, self._laden = self._laden, []
        for connection in laden:
            connection.write()

    def _dial(self, post: Post) -> None:
        post.connection = None
        post.dialing = self._loop.create_task(self._dial_for(post))

    async def _dial_for(self, post: Post) -> None:
        try:
            await self._dialer.dial(post, partial(Connection, self, post, self._answer_limit))
        except DialError as failure:
            self._fail_to_dial(post, failure.error, failure.detail)
        except Exception as unforeseen:
            self._complain("a connect failed in an unforeseen way", unforeseen)
            self._fail_to_dial(post, ErrorClass.INTERNAL, "The sender could not open a connection.")
        finally:
            post.dialing = None

    def _sweep(self) -> None:
        now = time.monotonic()
        for post in self._expired(now):
            detail = f"No complete answer within {self._timeout:g} s ({PHASES[post.phase]})."
            self._abandon(post, ErrorClass.TIMEOUT, detail)
        self._idle.sweep(now)
        watching = self._posts or len(self._idle)
        self._sweeper = self._loop.call_later(self._sweep_seconds, self._sweep) if watching else None

    def _expired(self, now: float) -> list[Post]:
        expired: list[Post] = []
        for post in self._posts:
            if post.deadline > now:
                break
            expired.append(post)
        return expired

    def _abandon(self, post: Post, error: ErrorClass, detail: str) -> None:
        """Stop working for a post, wherever it is, and report it."""
        phase = post.phase
        if post.connection is not None:
            post.connection.abort()
            self._fail(post, error, detail, phase)
        else:
            if post.dialing is not None:
                post.dialing.cancel()
            self._fail_to_dial(post, error, detail)

    def _fail_to_dial(self, post: Post, error: ErrorClass, detail: str) -> None:
        if post.dial is not None:
            post.dial.end(time.monotonic())
        self._fail(post, error, detail, post.phase)

    def _fail(self, post: Post, error: ErrorClass, detail: str, phase: str) -> None:
        self._report(post, unanswered(error, detail, time.monotonic() - post.started_at, phase))

    def _report(self, post: Post, exchange: Exchange) -> None:
        if post.settled:
            return
        if post.dial is not None:
            seconds = post.dial.seconds
            exchange.resolve_seconds = seconds.get("resolve")
            exchange.connect_seconds = seconds.get("connect")
            exchange.tls_seconds = seconds.get("tls")
        post.settled = True
        post.connection = None
        del self._posts[post]
        try:
            post.done(exchange)
        except Exception as fault:
            # A caller's fault must not end this turn's other posts.
            self._complain("a report was not taken", fault)

    def _complain(self, message: str, fault: Exception) -> None:
        self._loop.call_exception_handler({"message": message, "exception": fault})
