"""The load client of API and triggers: `python -m bench.reader URL [URL ...]` sends requests over keep-alive connections.

A request is a GET, or whatever --method says, with a JSON body of --body-bytes. A file of URLs may stand in their place: @FILE.

Connection i asks for URL i modulo their number. Two ways. Saturating (no --rate): every connection asks again as soon as
it has its answer. Fixed rate: one request is due every 1/rate seconds, whether or not those before have been answered, and
its latency counts from when it was due. It prints one line of JSON: requests, seconds, rate, p50_ms, p99_ms, late_p99_ms
cpu_us, the CPU microseconds per request of every --watch NAME=PID and of the reader itself, and by status code answers, all
that came, those outside of the measured stretch too. The service token comes from the environment variable TOKEN.

Invariant: every figure is of the same stretch, which begins once every connection has had an answer; an answer other than
those that are expected (--expect, 200) ends it with exit code 1.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

import httptools
import uvloop

from bench import cpu
from bench.histogram import Histogram

READER = "reader"
_START_SECONDS = 10
_END_SECONDS = 10


class Asking(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, requests: Sequence[bytes], reading: "Reading") -> None:
        self._requests = itertools.cycle(requests)
        self._reading = reading
        self.since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not asyncio.Transport by inheritance.
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpResponseParser(self)

    def ask(self, since: float) -> None:
        """Sends the request; its latency counts from `since` (uvloop's own clock has milliseconds alone)."""
        self.since = since
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._reading.answered(self, self._parser.get_status_code())

    def connection_lost(self, exc: Exception | None) -> None:
        self._reading.fail(f"a connection was lost: {exc or 'closed by the server'}")


class Reading:
    """All connections, what they were answered, and how late this program itself was."""

    def __init__(self, expected: frozenset[int] = frozenset({200})) -> None:
        self.failure = ""
        self.answers = 0
        self.statuses: Counter[int] = Counter()
        self._expected = expected
        self.latency = Histogram()
        self.lateness = Histogram()
        self._idle: deque[Asking] = deque()
        self._due: deque[float] = deque()
        self._connections = 0
        self._again = False
        self._quiet = asyncio.Event()
        self._failed = asyncio.Event()

    async def connect(self, urls: list[str], request: Callable[[str], bytes], connections: int) -> None:
        """Opens the connections, each with its share of the URLs, and waits until each has had an answer."""
        self._connections = connections
        for number in range(connections):
            mine = urls[number::connections] or [urls[number % len(urls)]]
            await self._connect(Asking([request(url) for url in mine], self), urlsplit(mine[0]))
        async with asyncio.timeout(_START_SECONDS):
            await self._quiet.wait()

    @staticmethod
    async def _connect(asking: Asking, url: SplitResult) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: asking, url.hostname or "127.0.0.1", url.port or 80)
        asking.ask(time.monotonic())

    async def saturate(self, seconds: float) -> None:
        """Keeps every connection busy for so long, and leaves them busy."""
        self._again = True
        while self._idle:
            self._idle.popleft().ask(time.monotonic())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._failed.wait()

    async def finish(self) -> None:
        """Asks no more, and waits for what is under way."""
        self._again = False
        if not self.failure and len(self._idle) < self._connections:
            self._quiet.clear()
            async with asyncio.timeout(_END_SECONDS):
                await self._quiet.wait()

    async def steady(self, rate: float, seconds: float) -> None:
        """Asks `rate` times a second for so long, then waits for the answers; without an idle connection it waits for one."""
        started_at = time.monotonic()
        for number in range(int(rate * seconds)):
            due_at = started_at + number / rate
            await asyncio.sleep(due_at - time.monotonic())
            self.lateness.record(int((time.monotonic() - due_at) * 1e6))
            self._quiet.clear()
            if self._idle:
                self._idle.popleft().ask(due_at)
            else:
                self._due.append(due_at)
        async with asyncio.timeout(_END_SECONDS):
            await self._quiet.wait()

    def answered(self, asking: Asking, status: int) -> None:
        """Counts an answer and gives the connection what is next."""
        self.answers += 1
        self.statuses[status] += 1
        if status not in self._expected:
            self.fail(f"an answer was {status}")
        self.latency.record(int((time.monotonic() - asking.since) * 1e6))
        if self._again:
            asking.ask(time.monotonic())
        elif self._due:
            asking.ask(self._due.popleft())
        else:
            self._idle.append(asking)
            if len(self._idle) == self._connections:
                self._quiet.set()

    def fail(self, reason: str) -> None:
        """Remembers the first reason; nothing waits any longer."""
        self.failure = self.failure or reason
        self._failed.set()
        self._quiet.set()


async def read(arguments: argparse.Namespace, token: str) -> dict[str, Any]:
    """Reads as the arguments say. RuntimeError when something was answered otherwise than expected."""
    reading = Reading(frozenset(arguments.expect))
    urls = [url for word in arguments.urls for url in _urls(word)]
    await reading.connect(urls, lambda url: _request(url, token, arguments), arguments.connections)
    if arguments.warm_seconds:
        await _load(reading, arguments.rate, arguments.warm_seconds)
    roots = {**arguments.watch, READER: os.getpid()}
    cpu_ns, answers, latency = cpu.trees_ns(roots), reading.answers, Histogram(reading.latency.counts())
    started_at = time.monotonic()
    await _load(reading, arguments.rate, arguments.seconds)
    seconds, answers = time.monotonic() - started_at, reading.answers - answers
    used_ns = _difference(cpu.trees_ns(roots), cpu_ns)
    measured = reading.latency.since(latency)
    await reading.finish()
    if reading.failure or not answers:
        raise RuntimeError(reading.failure or "nothing was answered")
    return {
        "requests": answers,
        "seconds": seconds,
        "rate": answers / seconds,
        "cpu_us": {name: ns / 1000 / answers for name, ns in used_ns.items()},
        "p50_ms": measured.quantile_ms(0.5),
        "p99_ms": measured.quantile_ms(0.99),
        "late_p99_ms": reading.lateness.quantile_ms(0.99),
        "answers": {str(status): count for status, count in reading.statuses.items()},
    }


def _urls(word: str) -> list[str]:
    return Path(word[1:]).read_text().split() if word.startswith("@") else [word]


def _request(url: str, token: str, arguments: argparse.Namespace) -> bytes:
    parts = urlsplit(url)
    lines = [f"{arguments.method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"Authorization: Token {token}"] if token else []
    body = b""
    if arguments.body_bytes:
        body = b'{"order_id":"' + b"1" * max(0, arguments.body_bytes - 15) + b'"}'
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _load(reading: Reading, rate: float, seconds: float) -> None:
    if rate:
        await reading.steady(rate, seconds)
    else:
        await reading.saturate(seconds)


def _difference(after: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after}


def _watched(text: str) -> tuple[str, int]:
    name, _, pid = text.partition("=")
    return name, int(pid)


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = argparse.ArgumentParser(prog="python -m bench.reader", description="Reads the API under load.")
    options.add_argument("--connections", type=int, default=32, help="keep-alive connections (32)")
    options.add_argument("--rate", type=float, default=0.0, help="requests a second; 0 saturates (0)")
    options.add_argument("--warm-seconds", type=float, default=0.0, help="not measured, before the rest (0)")
    options.add_argument("--seconds", type=float, default=4.0, help="measured (4)")
    options.add_argument("--method", default="GET", help="of every request (GET)")
    options.add_argument("--body-bytes", type=int, default=0, help="of its JSON body, 0 or at least 16 (0)")
    options.add_argument("--expect", type=int, nargs="+", default=[200], metavar="STATUS", help="right answers (200)")
    options.add_argument("--watch", type=_watched, action="append", default=[], metavar="NAME=PID")
    options.add_argument("urls", nargs="+", metavar="URL")
    return options


def main() -> int:
    """Reads the arguments and reads; exit code 1 when an answer was not 200."""
    arguments = parser().parse_args()
    arguments.watch = dict(arguments.watch)
    try:
        print(json.dumps(uvloop.run(read(arguments, os.environ.get("TOKEN", "")))))
    except (RuntimeError, OSError) as error:
        print(f"reader: {str(error) or type(error).__name__}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
