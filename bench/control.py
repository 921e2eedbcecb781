"""How the bench asks the receiver what has come: one keep-alive connection to its control endpoint.

Invariant: a question costs two small packets and no client library, so asking fifty times a second does not show in the
figures.
"""

import asyncio
import json
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from bench.histogram import Histogram


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The receiver's counts since its last reset; it answered at `monotonic_ns` of the machine's monotonic clock."""

    received: int
    duplicates: int
    unidentified: int
    unstamped: int
    malformed: int
    connections: int
    body_bytes: int
    events_per_endpoint: tuple[int, ...]
    latency: Histogram
    monotonic_ns: int


class Control:
    """An async context manager around the connection. ConnectionError when the receiver is gone."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)

    async def __aenter__(self) -> Self:
        # 64 MiB: the list of all events is one line-oriented body.
        self._reader, self._writer = await asyncio.open_connection(self._url.hostname, self._url.port, limit=2**26)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    async def seen(self) -> Seen:
        """The counts now."""
        stats = json.loads(await self._ask("GET", "/stats"))
        latency = Histogram({int(bucket): count for bucket, count in stats.pop("latency_us").items()})
        per_endpoint = tuple(stats.pop("events_per_endpoint"))
        return Seen(latency=latency, events_per_endpoint=per_endpoint, **stats)

    async def events(self) -> set[tuple[int, str]]:
        """(endpoint number, event id) of everything that has come."""
        return set(await self.arrivals())

    async def arrivals(self) -> dict[tuple[int, str], int]:
        """The same with the time of its first arrival, in nanoseconds since 1970."""
        lines = (await self._ask("GET", "/events")).decode("ascii", "backslashreplace").splitlines()
        fields = (line.split(" ") for line in lines)
        return {(int(number), event_id): int(arrived_ns) for number, event_id, arrived_ns in fields}

    async def reset(self) -> None:
        """Makes the receiver forget."""
        await self._ask("POST", "/reset")

    async def flap(self, *, on: bool) -> None:
        """Makes the endpoints leave half of their deliveries unanswered, or answer all of them again."""
        await self._ask("POST", "/flap" if on else "/answer")

    async def _ask(self, method: str, path: str) -> bytes:
        self._writer.write(f"{method} {path} HTTP/1.1\r\nHost: {self._url.netloc}\r\n\r\n".encode())
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
            return await self._reader.readexactly(int(length))
        except asyncio.IncompleteReadError as error:
            raise ConnectionError("the receiver is gone") from error
