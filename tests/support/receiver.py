"""A real HTTP receiver for tests, on raw sockets, so that it can misbehave in every way that the wild knows.

    async with Receiver(503, 200) as receiver:            # the first request gets 503, all later ones 200
        sender.send(parse_endpoint(receiver.url), ...)
        first = await receiver.request(1)                 # waits until it is there
        assert first.body == ...

An answer is a status code, the bytes of a whole answer, or a script: `async def script(peer, request)`, which does what
it likes with the connection through its Peer.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

WAIT_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came. `headers` has lower-case names; `head` is the raw head; `connection` counts from 1."""

    method: str
    target: str
    headers: dict[str, str]
    header_lines: tuple[bytes, ...]
    head: bytes
    body: bytes
    connection: int


class Peer:
    """The receiver's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.number = number
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self, status_code: int, body: bytes = b"", headers: Iterable[str] = ()) -> None:
        """A well-formed answer."""
        await self.send(answer(status_code, body, headers))

    async def send_in_pieces(self, data: bytes, size: int = 1, pause: float = 0.0) -> None:
        """Send piece by piece; without a pause, each piece still goes out on its own."""
        for start in range(0, len(data), size):
            await self.send(data[start : start + size])
            await asyncio.sleep(pause)

    async def read(self, count: int) -> bytes:
        """Up to `count` bytes that came; b"" when the client has closed."""
        return await self._reader.read(count)

    async def read_request(self) -> Request | None:
        """The next request, or None when the client has closed."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            method, target, headers, lines = _read_head(head)
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        except (asyncio.IncompleteReadError, OSError):
            return None
        return Request(
            method=method,
            target=target,
            headers=headers,
            header_lines=lines,
            head=head,
            body=body,
            connection=self.number,
        )

    async def closed_by_client(self) -> None:
        """Wait until the client has closed, whatever it sends before that."""
        with suppress(OSError):
            while await self._reader.read(65536):
                pass

    def half_close(self) -> None:
        """Send no more, but go on reading."""
        self._writer.write_eof()

    def reset(self) -> None:
        """Close with RST, so that what is under way is lost."""
        sock: socket.socket = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def close(self) -> None:
        self._writer.close()

    def abort(self) -> None:
        """Close without sending what still waits."""
        self._writer.transport.abort()

    @property
    def is_closing(self) -> bool:
        return self._writer.is_closing()

    @property
    def client_name(self) -> str | None:
        """The first name in the certificate that the client showed, None when it showed none."""
        shown = self._writer.get_extra_info("peercert")
        return shown["subjectAltName"][0][1] if shown else None


Script = Callable[[Peer, Request], Awaitable[None]]
Greeting = Callable[[Peer], Awaitable[None]]
Answer = int | bytes | Script


def answer(status_code: int, body: bytes = b"", headers: Iterable[str] = ()) -> bytes:
    """The bytes of a well-formed answer."""
    lines = [f"HTTP/1.1 {status_code} Whatever", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Receiver:
    """Listens on a loopback port of its own; the n-th request gets the n-th answer, and the last one stays.

    With `tls` it speaks TLS. `greeting` runs on each new connection before anything is read; if it closes the
    connection, nothing is. `requests` and `connections` tell what came.
    """

    def __init__(
        self,
        *answers: Answer,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        greeting: Greeting | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._answers = answers or (200,)
        self._tls = tls
        self._host = host
        self._port = port
        self._greeting = greeting
        self._peers: dict[asyncio.Task[None], Peer] = {}
        self._news = asyncio.Condition()

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        """Where it listens, with the path /hook."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self._port}/hook"

    @property
    def open_connections(self) -> int:
        return len(self._peers)

    async def request(self, number: int) -> Request:
        """The n-th request, counted from 1, as soon as it is there."""
        await self._until(lambda: len(self.requests) >= number)
        return self.requests[number - 1]

    async def connected(self, count: int) -> None:
        """Wait until so many connections have been taken in all."""
        await self._until(lambda: self.connections >= count)

    async def open_to(self, count: int) -> None:
        """Wait until exactly so many connections are open."""
        await self._until(lambda: len(self._peers) == count)

    async def hang_up(self) -> None:
        """Close every connection and wait for the end of it; go on listening."""
        for peer in self._peers.values():
            peer.close()
        await self.open_to(0)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self._host, self._port, ssl=self._tls, backlog=1024)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        tasks = list(self._peers)
        for task, peer in self._peers.items():
            peer.abort()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        peer = Peer(reader, writer, self.connections)
        self._peers[asyncio.get_running_loop().create_task(self._serve(peer))] = peer

    async def _serve(self, peer: Peer) -> None:
        try:
            await self._tell()
            if self._greeting is not None:
                await self._greeting(peer)
            while not peer.is_closing and (request := await peer.read_request()) is not None:
                self.requests.append(request)
                await self._tell()
                await self._answer(peer, request)
        except OSError:
            pass  # the client has closed under our hands
        finally:
            peer.abort()
            task = asyncio.current_task()
            assert task is not None
            del self._peers[task]
            await self._tell()

    async def _answer(self, peer: Peer, request: Request) -> None:
        scripted = self._answers[min(len(self.requests), len(self._answers)) - 1]
        if isinstance(scripted, int):
            await peer.answer(scripted)
        elif isinstance(scripted, bytes):
            await peer.send(scripted)
        else:
            await scripted(peer, request)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_SECONDS), self._news:
            await self._news.wait_for(condition)


def _read_head(head: bytes) -> tuple[str, str, dict[str, str], tuple[bytes, ...]]:
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, target, _ = first.decode("ascii").split(" ")
    pairs = (line.decode("latin-1").partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return method, target, headers, tuple(lines)
