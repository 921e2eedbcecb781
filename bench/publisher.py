"""The load client: `python -m bench.publisher` publishes events by gRPC, each bound for exactly one endpoint.

Two ways. Saturating (no --rate): as many calls in flight as --calls says, as long as the receiver is less than
--backlog events behind. Fixed rate: one batch every batch/rate seconds, whether or not those before have been answered.
It ends after --seconds or on SIGTERM, waits for the calls in flight, writes `<endpoint> <event id>` for every
acknowledged event to --ids, and prints one line of JSON. The service token comes from the environment variable TOKEN.

Invariant: an event is in the file of ids if and only if its call was answered OK: that file is the oracle of losses.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import uvloop

from bench.control import Control
from bench.histogram import Histogram
from bench.payload import Load
from runhook.delivery.v1 import delivery_service_pb2_grpc
from runhook.delivery.v1.delivery_service_pb2 import PublishEventsRequest

if TYPE_CHECKING:
    from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceAsyncStub

CALL_TIMEOUT_SECONDS = 10
_REFUSED_PAUSE_SECONDS = 0.02
_WATCH_SECONDS = 0.02


class Publisher:
    """Publishes batches of one load and remembers what was acknowledged."""

    def __init__(
        self, stub: "DeliveryServiceAsyncStub", token: str, load: Load, batch: int, *, until_away: bool = False
    ) -> None:
        self._stub = stub
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._load = load
        self._batch = batch
        self._until_away = until_away
        self.stopping = asyncio.Event()
        self.offered = 0
        self.refused_calls = 0
        self.acknowledged: list[tuple[int, str]] = []
        self.ack = Histogram()
        self.lateness = Histogram()

    async def publish(self) -> None:
        """Publishes the next batch; while the platform refuses for want of room, again, until it is time to stop."""
        first = self.offered
        self.offered += self._batch
        numbers = range(first, self.offered)
        stamp_ns = time.time_ns()
        request = PublishEventsRequest(events=[self._load.event(number, stamp_ns) for number in numbers])
        while True:
            called_ns = time.monotonic_ns()
            try:
                answer = await self._stub.PublishEvents(request, metadata=self._metadata, timeout=CALL_TIMEOUT_SECONDS)
                break
            except grpc.aio.AioRpcError as error:
                if self._until_away and error.code() is grpc.StatusCode.UNAVAILABLE:
                    self.stopping.set()
                    return
                if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise
                self.refused_calls += 1
                if self.stopping.is_set():
                    return
                await asyncio.sleep(_REFUSED_PAUSE_SECONDS)
        self.ack.record((time.monotonic_ns() - called_ns) // 1000)
        places = (self._load.endpoint_of(number) for number in numbers)
        self.acknowledged.extend(zip(places, answer.event_ids, strict=True))

    async def saturate(self, calls: int, backlog: int, control: Control) -> None:
        """Keeps `calls` calls in flight until `stopping`, pausing while the receiver is `backlog` events behind."""
        arrived = asyncio.Event()
        received_before = received = (await control.seen()).received

        async def watch() -> None:
            nonlocal received
            while not self.stopping.is_set():
                received = (await control.seen()).received
                arrived.set()
                await asyncio.sleep(_WATCH_SECONDS)
            arrived.set()

        async def call() -> None:
            while not self.stopping.is_set():
                if self.offered - (received - received_before) < backlog:
                    await self.publish()
                else:
                    arrived.clear()
                    await arrived.wait()

        async with asyncio.TaskGroup() as group:
            group.create_task(watch())
            for _ in range(calls):
                group.create_task(call())

    async def steady(self, rate: float) -> None:
        """Publishes `rate` events a second in an open loop until `stopping`: a slow answer delays no later call."""
        loop = asyncio.get_running_loop()
        due_at = loop.time()
        async with asyncio.TaskGroup() as group:
            while not self.stopping.is_set():
                await asyncio.sleep(due_at - loop.time())
                self.lateness.record(int((loop.time() - due_at) * 1e6))
                group.create_task(self.publish())
                due_at += self._batch / rate

    def summary(self) -> dict[str, Any]:
        """What goes to stdout: events acknowledged, calls refused, milliseconds to the answer and behind schedule."""
        return {
            "published": len(self.acknowledged),
            "refused_calls": self.refused_calls,
            "ack_p50_ms": self.ack.quantile_ms(0.5),
            "ack_p99_ms": self.ack.quantile_ms(0.99),
            "late_p99_ms": self.lateness.quantile_ms(0.99),
        }


async def run(arguments: argparse.Namespace, token: str) -> dict[str, Any]:
    """Publishes as the arguments say. grpc.aio.AioRpcError (in a group) when a call fails."""
    load = Load(
        account_id=arguments.account,
        first_job_id=arguments.first_job,
        endpoints=arguments.endpoints,
        prefix=arguments.prefix,
    )
    async with _channel(arguments.grpc) as channel, Control(arguments.control) as control:
        stub = delivery_service_pb2_grpc.DeliveryServiceStub(channel)
        publisher = Publisher(stub, token, load, arguments.batch, until_away=arguments.until_away)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, publisher.stopping.set)
        if arguments.seconds:
            loop.call_later(arguments.seconds, publisher.stopping.set)
        if arguments.rate:
            await publisher.steady(arguments.rate)
        else:
            await publisher.saturate(arguments.calls, arguments.backlog, control)
    lines = (f"{endpoint} {event_id}\n" for endpoint, event_id in publisher.acknowledged)
    arguments.ids.write_text("".join(lines))
    return publisher.summary()


@contextlib.asynccontextmanager
async def _channel(address: str) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(address) as channel:
        async with asyncio.timeout(CALL_TIMEOUT_SECONDS):
            await channel.channel_ready()
        yield channel


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = argparse.ArgumentParser(prog="python -m bench.publisher", description="Publishes events by gRPC.")
    options.add_argument("--grpc", required=True, help="address of delivery_svc, host:port")
    options.add_argument("--control", required=True, help="URL of the receiver's control endpoint")
    options.add_argument("--account", type=int, required=True, help="account id")
    options.add_argument("--first-job", type=int, required=True, help="job id of endpoint 0")
    options.add_argument("--endpoints", type=int, default=100, help="how many endpoints (100)")
    options.add_argument("--prefix", required=True, help="what the request ids of this load begin with")
    options.add_argument("--ids", type=Path, required=True, help="file for the acknowledged events")
    options.add_argument("--batch", type=int, default=100, help="events per call (100)")
    options.add_argument("--calls", type=int, default=16, help="saturating: calls in flight (16)")
    options.add_argument(
        "--backlog", type=int, default=6000, help="saturating: events the receiver may be behind (6000)"
    )
    options.add_argument("--rate", type=float, default=0.0, help="events a second; 0 saturates (0)")
    options.add_argument("--seconds", type=float, default=0.0, help="for how long; 0 is until SIGTERM (0)")
    options.add_argument("--until-away", action="store_true", help="end well when the service becomes unavailable")
    return options


def main() -> int:
    """Reads the arguments and publishes; exit code 1 when a call fails or the platform is not there."""
    arguments = parser().parse_args()
    token = os.environ.get("TOKEN")
    if not token:
        print("publisher: the environment has no TOKEN", file=sys.stderr)
        return 1
    try:
        print(json.dumps(uvloop.run(run(arguments, token))))
    except (OSError, ExceptionGroup) as error:
        print(f"publisher: {_reason(error)}", file=sys.stderr)
        return 1
    return 0


def _reason(error: BaseException) -> str:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"
    return str(error) or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
