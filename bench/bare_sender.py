"""The bare sender: the yardstick. FROZEN: this file is never changed, not even for the better.

One process POSTs one and the same body of 700 bytes, in the shape of a real delivery and signed anew for every
request, over keep-alive connections with uvloop and httptools, and does nothing else: no timeouts, no retries, no
addresses to vet, no record. That is what a delivery costs when all that makes it dependable is left out.

Why frozen: no absolute figure survives a change of machine, neighbour or hour, so the platform's goals are ratios to
this program, taken in the same minutes. A yardstick that grows with the platform measures nothing. A test holds its
digest, and every saved result carries it; whoever must change it makes a new file and takes all committed figures
again.

Usage: python -m bench.bare_sender [--seconds 4] [--connections 100] URL [URL ...]
Connection i goes to URL i modulo their number, one request at a time. Prints one line of JSON: requests, seconds, rate
(requests per second), cpu_us_per_request (user and system time of this process). An answer other than 200 or a lost
connection ends it with exit code 1.
"""

import argparse
import asyncio
import contextlib
import hmac
import json
import resource
import sys
import time
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop

SECRET = b"0123456789abcdef0123456789abcdef01234567"
BODY_BYTES = 700


def body() -> bytes:
    """A delivery as the contract has it, its job name padded until the whole is BODY_BYTES long."""
    data = {
        "jobId": "10001",
        "jobName": "",
        "runId": "100000001",
        "environmentId": "1234",
        "environmentName": "Production",
        "dbtVersion": "1.11.0",
        "projectName": "Snowflake Github Demo",
        "projectId": "167194",
        "runStatus": "Success",
        "runStatusCode": 10,
        "runStatusMessage": "None",
        "runReason": "t=1790000000000000000",
        "runStartedAt": "2026-11-22T05:28:07Z",
        "runFinishedAt": "2026-11-22T05:29:32Z",
    }
    delivery = {
        "accountId": 1,
        "webhooksID": "wsu_2QGRb6TLFTOlBXsWjL4kb0RHTWc",
        "eventId": "wev_2QSUzWMSv40ow7s8n8TfVPVnYua",
        "timestamp": "2026-11-22T05:29:35.789265936Z",
        "eventType": "job.run.completed",
        "webhookId": "wsu_2QGRb6TLFTOlBXsWjL4kb0RHTWc",
        "webhookName": "bench-000",
        "data": data,
    }
    missing = BODY_BYTES - len(json.dumps(delivery, separators=(",", ":")))
    data["jobName"] = "n" * missing
    return json.dumps(delivery, separators=(",", ":")).encode()


class Run:
    """Counts the answers of all connections."""

    def __init__(self, connections: int) -> None:
        self.answered = 0
        self.to_warm = connections
        self.warm = asyncio.Event()
        self.failed = asyncio.Event()
        self.failure = ""

    def fail(self, reason: str) -> None:
        self.failure = self.failure or reason
        self.failed.set()
        self.warm.set()


class Sending(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, run: Run, host: str, path: str, payload: bytes) -> None:
        self.run = run
        self.payload = payload
        self.head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Runhook-bare-sender\r\nAccept: */*\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\nAuthorization: "
        ).encode()
        self.first = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.parser = httptools.HttpResponseParser(self)
        self.send()

    def send(self) -> None:
        signature = hmac.digest(SECRET, self.payload, "sha256").hex().encode()
        self.transport.write(b"".join((self.head, signature, b"\r\n\r\n", self.payload)))

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        if self.parser.get_status_code() != 200:
            self.run.fail(f"an endpoint answered {self.parser.get_status_code()}")
        self.run.answered += 1
        if self.first:
            self.first = False
            self.run.to_warm -= 1
            if self.run.to_warm == 0:
                self.run.warm.set()
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        self.run.fail(f"a connection was lost: {exc or 'closed by the receiver'}")


async def connect(run: Run, url: str, payload: bytes) -> None:
    parts = urlsplit(url)
    await asyncio.get_running_loop().create_connection(
        lambda: Sending(run, parts.netloc, parts.path or "/", payload), parts.hostname or "127.0.0.1", parts.port or 80
    )


async def send(urls: list[str], connections: int, seconds: float) -> dict[str, float]:
    """Sends for so long, counted from when every connection has had an answer. RuntimeError when an endpoint fails."""
    run = Run(connections)
    payload = body()
    for number in range(connections):
        await connect(run, urls[number % len(urls)], payload)
    async with asyncio.timeout(10):
        await run.warm.wait()
    answered, started_at, cpu = run.answered, time.perf_counter(), _cpu_seconds()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await run.failed.wait()
    if run.failure:
        raise RuntimeError(run.failure)
    requests, elapsed, cpu = run.answered - answered, time.perf_counter() - started_at, _cpu_seconds() - cpu
    return {
        "requests": requests,
        "seconds": elapsed,
        "rate": requests / elapsed,
        "cpu_us_per_request": cpu * 1e6 / requests,
    }


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.bare_sender", description="The frozen yardstick.")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("urls", nargs="+", metavar="URL")
    arguments = parser.parse_args()
    try:
        print(json.dumps(uvloop.run(send(arguments.urls, arguments.connections, arguments.seconds))))
    except (RuntimeError, OSError) as error:
        print(f"bare sender: {str(error) or type(error).__name__}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
