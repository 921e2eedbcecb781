"""HTTP by hand: a connection of bytes, for what no well-behaved client would send."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class WireAnswer:
    """One answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        """Sends without waiting."""
        self.writer.write(data)

    async def answer(self, seconds: float = 10, *, bodiless: bool = False) -> WireAnswer:
        """The next answer, by its Content-Length; `bodiless` that to a HEAD."""
        async with asyncio.timeout(seconds):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            assert len(headers) == len(lines), f"a header twice: {lines}"
            body = b"" if bodiless else await self._reader.readexactly(int(headers.get("content-length", "0")))
        return WireAnswer(status=int(first.split()[1]), headers=headers, body=body)

    async def ask(self, data: bytes) -> WireAnswer:
        """Sends, and reads one answer."""
        self.send(data)
        return await self.answer()

    async def rest(self, seconds: float = 10) -> bytes:
        """All that comes until the other side ends the connection, in whatever way."""
        async with asyncio.timeout(seconds):
            try:
                return await self._reader.read()
            except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
                return b""


@asynccontextmanager
async def wire(port: int, *, source: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """A connection to the port from an address of this host; `tls` expects the peer to be localhost."""
    name = "localhost" if tls is not None else None
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, local_addr=(source, 0), ssl=tls, server_hostname=name, limit=64 * 1024 * 1024
    )
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()


def request(method: str, path: str, *headers: str, body: bytes = b"", host: str = "x") -> bytes:
    """A request with these header lines; Content-Length is not among them by itself."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
