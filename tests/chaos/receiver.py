"""The receiver that is killed: `python -m tests.chaos.receiver PORT LOG`, endpoint n at path /e/<n>.

Of ten endpoints two are slow, two fail 30 % of their requests, one flaps, five are steady. It is the oracle of what came,
so its log outlives it: a line is with the kernel before anything is answered. A line is
`<time in ns> <endpoint> <event id> <run id> <status code> <second in which it was sent>`.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvloop
from aiohttp import web

TIMEOUT_SECONDS = 5.0  # of an attempt, by the pods' setting
SLOW_SECONDS = 0.2
FAILING_SHARE = 0.3
FLAP_SECONDS = 4.0
OK, FAILS, AWAY = 200, 500, 503


def is_slow(endpoint: int) -> bool:
    """Answers 200, but late."""
    return endpoint % 10 in (0, 1)


def is_failing(endpoint: int) -> bool:
    """Answers 500 to some requests at random."""
    return endpoint % 10 in (2, 3)


def is_flapping(endpoint: int) -> bool:
    """Answers 503 in every other stretch of FLAP_SECONDS."""
    return endpoint % 10 == 4


def never_fails(endpoint: int) -> bool:
    """Steady or slow: what it gets late is not its own fault."""
    return not is_failing(endpoint) and not is_flapping(endpoint)


def status_of(endpoint: int, now: float, draw: float) -> int:
    """What the endpoint answers at `now` (seconds), `draw` being a random number from 0 to 1."""
    if is_failing(endpoint) and draw < FAILING_SHARE:
        return FAILS
    if is_flapping(endpoint) and int(now / FLAP_SECONDS) % 2:
        return AWAY
    return OK


@dataclass(frozen=True, slots=True)
class Arrival:
    """One line of the log; `at` and `sent` are seconds since 1970, `sent` a whole one: it is of the signature."""

    at: float
    endpoint: int
    event_id: str
    run_id: int
    status: int
    sent: int

    @property
    def late(self) -> bool:
        """Whether its sender had given up, or was about to, when it was read: a busy receiver lets requests wait."""
        return self.at - self.sent >= TIMEOUT_SECONDS - SLOW_SECONDS

    @classmethod
    def parse(cls, line: bytes) -> "Arrival":
        """ValueError when it is none."""
        at, endpoint, event_id, run_id, status, sent = line.split()
        return cls(int(at) / 1e9, int(endpoint), event_id.decode(), int(run_id), int(status), int(sent))


def handler(log: int) -> Callable[[web.Request], "asyncio.Future[web.Response]"]:
    """Answers a delivery after it has written its line to the open file `log`."""

    async def receive(request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        endpoint = int(request.match_info["endpoint"])
        status = status_of(endpoint, time.time(), random.random())
        sent = request.headers["webhook-timestamp"]
        line = f"{time.time_ns()} {endpoint} {body['eventId']} {body['data']['runId']} {status} {sent}\n"
        os.write(log, line.encode())
        if is_slow(endpoint):
            await asyncio.sleep(SLOW_SECONDS)
        return web.Response(status=status)

    return receive  # type: ignore[return-value]


async def serve(port: int, log: Path) -> None:
    """Serves until SIGTERM."""
    opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    application = web.Application()
    application.router.add_post("/e/{endpoint}", handler(opened))
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024, reuse_address=True).start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await runner.cleanup()


def main() -> None:
    """Reads the arguments and serves."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.receiver")
    parser.add_argument("port", type=int)
    parser.add_argument("log", type=Path)
    arguments = parser.parse_args()
    uvloop.run(serve(arguments.port, arguments.log))


if __name__ == "__main__":
    main()
