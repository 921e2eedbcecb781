"""The other end of the load: `python -m bench.receiver` answers every delivery with 200 and remembers what came.

One process, HTTP/1.1 on 127.0.0.1, endpoint n at path /e/<n>. The endpoints share one port, or are spread over several
so that each is an origin of its own. The first line on stdout is JSON: `control` (a URL), `endpoints` (URLs in order).
With --certificate the endpoints speak TLS. Control, plain and on a port of its own: GET /stats (JSON), GET /events (a line
per delivery, see tally.py), POST /reset, POST /flap (from now on half of the deliveries, at random, get no answer at all) and
POST /answer (all get theirs again).

Invariant: it must never be the bottleneck, so the hot path parses no header, verifies nothing and writes once.
"""

import argparse
import asyncio
import gc
import json
import random
import signal
import socket
import ssl
import sys
from pathlib import Path
from typing import cast

import httptools
import uvloop

from bench.tally import Tally

# Head and body are 200 bytes together.
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
ANSWER_BYTES = 200
_BODY_BYTES = ANSWER_BYTES - len(_HEAD % 100)
ANSWER = _HEAD % _BODY_BYTES + b'{"ok":true,"note":"%s"}' % (b"." * (_BODY_BYTES - 21))


class Manner:
    """How all connections answer: after so many seconds, and while `flapping` only half of the time."""

    def __init__(self, delay_seconds: float) -> None:
        self.delay_seconds = delay_seconds
        self.flapping = False


class Receiving(asyncio.Protocol):
    """One connection: answers requests in order, keeps the connection as long as the client wants it."""

    def __init__(self, tally: Tally, manner: Manner) -> None:
        self._tally = tally
        self._manner = manner
        self._url = b""
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not asyncio.Transport by inheritance.
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpRequestParser(self)
        self._tally.connections += 1

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._tally.malformed += 1
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_body(self, body: bytes) -> None:
        self._body = self._body + body if self._body else body

    def on_message_complete(self) -> None:
        seen = self._tally.endpoints.get(self._url)
        if seen is None:
            self._transport.write(self._control())
        else:
            self._tally.add(seen, self._body)
            self._answer()
        self._body = b""
        if not self._parser.should_keep_alive() and not self._manner.delay_seconds:
            self._transport.close()

    def _answer(self) -> None:
        if self._manner.flapping and random.random() < 0.5:
            return
        if self._manner.delay_seconds:
            asyncio.get_running_loop().call_later(self._manner.delay_seconds, self._answer_late)
        else:
            self._transport.write(ANSWER)

    def _answer_late(self) -> None:
        # Whoever asked may be dead by now, and each answer to the dead is a warning that nobody reads off the pipe.
        if not self._transport.is_closing():
            self._transport.write(ANSWER)

    def _control(self) -> bytes:
        request = self._parser.get_method() + b" " + self._url
        if request == b"GET /stats":
            return _answer(b"200 OK", json.dumps(self._tally.stats()).encode())
        if request == b"GET /events":
            return _answer(b"200 OK", b"".join(self._tally.lines()))
        if request == b"POST /reset":
            self._tally.reset()
            return _answer(b"200 OK", b"{}")
        if request in (b"POST /flap", b"POST /answer"):
            self._manner.flapping = request == b"POST /flap"
            return _answer(b"200 OK", b"{}")
        return _answer(b"404 Not Found", b"{}")


def _answer(status: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


async def receive(endpoints: int, ports: int, delay_seconds: float, certificate: Path | None) -> None:
    """Serves until SIGINT or SIGTERM; says on stdout where."""
    loop = asyncio.get_running_loop()
    tally = Tally([b"/e/%d" % number for number in range(endpoints)])
    manner = Manner(delay_seconds)
    tls = _tls(certificate) if certificate else None
    control, *sockets = [_listening_socket() for _ in range(1 + ports)]
    for listening in (control, *sockets):
        secured = None if listening is control else tls
        await loop.create_server(lambda: Receiving(tally, manner), sock=listening, backlog=1024, ssl=secured)
    origins = [f"{'https' if tls else 'http'}://{_address(listening)}" for listening in sockets]
    urls = [f"{origins[number % ports]}/e/{number}" for number in range(endpoints)]
    print(json.dumps({"control": f"http://{_address(control)}", "endpoints": urls}), flush=True)
    # What is held are millions of bytes and ints in a few dicts: nothing for a cycle collector to find.
    gc.disable()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


def _tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _address(listening: socket.socket) -> str:
    return f"127.0.0.1:{listening.getsockname()[1]}"


def _listening_socket() -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.bind(("127.0.0.1", 0))
    return listening


def main() -> int:
    """Reads the arguments and serves; exit code 0 after a signal."""
    parser = argparse.ArgumentParser(prog="python -m bench.receiver", description="A fast receiver of deliveries.")
    parser.add_argument("--endpoints", type=int, default=100, help="how many endpoints (100)")
    parser.add_argument("--ports", type=int, default=1, help="over how many ports they are spread (1)")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds to wait before each answer (0)")
    parser.add_argument("--certificate", type=Path, help="PEM of a certificate and its key: speak TLS")
    arguments = parser.parse_args()
    uvloop.run(receive(arguments.endpoints, arguments.ports, arguments.delay, arguments.certificate))
    return 0


if __name__ == "__main__":
    sys.exit(main())
