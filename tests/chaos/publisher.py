"""The publisher: batches at a fixed rate, to the pods in turn, repeated with the same request ids until answered.

Invariant: an event is in `acknowledged` if and only if a call with it was answered OK. A call without an answer is an
outcome unknown, and the next try goes to the other pod.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc

from bench.payload import Load
from runhook.delivery.v1.delivery_service_pb2 import PublishEventsRequest
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub

if TYPE_CHECKING:
    from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceAsyncStub

BATCH = 20
FIRST_RUN_ID = 100_000_001  # as bench.payload numbers its events
_CALL_SECONDS = 4.0
_PAUSE_SECONDS = 0.2
_MOST_CALLS = 1000
#: Answers that mean: once more. Any other is a finding; it is counted, and the batch repeated all the same.
EXPECTED = frozenset({"OK", "UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"})
# A pod comes back within seconds; the default would let a channel rest for two minutes.
_CHANNEL_OPTIONS = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500))


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One acknowledged event; `due` is when its batch was to be published, both are seconds since 1970."""

    event_id: str
    run_id: int
    endpoint: int
    due: float
    at: float


class Publisher:
    """Publishes until told to stop; `answers` counts the status codes of all calls."""

    def __init__(self, stubs: Sequence["DeliveryServiceAsyncStub"], token: str, load: Load) -> None:
        self.acknowledged: list[Acknowledged] = []
        self.answers: Counter[str] = Counter()
        self.odd: list[str] = []
        self.stopping = asyncio.Event()
        self._stubs = stubs
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._load = load
        self._numbers = itertools.count()

    async def run(self, rate: float) -> None:
        """Publishes `rate` events a second until `stopping`, then waits until every batch has been answered."""
        loop = asyncio.get_running_loop()
        room = asyncio.Semaphore(_MOST_CALLS)
        due = loop.time()
        async with asyncio.TaskGroup() as group:
            while not self.stopping.is_set():
                await asyncio.sleep(due - loop.time())
                await room.acquire()
                group.create_task(self._publish(next(self._numbers))).add_done_callback(lambda _: room.release())
                due += BATCH / rate

    async def _publish(self, batch: int) -> None:
        due = time.time()
        numbers = range(batch * BATCH, (batch + 1) * BATCH)
        request = PublishEventsRequest(events=[self._load.event(number, time.time_ns()) for number in numbers])
        stubs = itertools.cycle([*self._stubs[batch % len(self._stubs) :], *self._stubs[: batch % len(self._stubs)]])
        while (ids := await self._call(next(stubs), request)) is None:  # noqa: ASYNC110 - pauses between tries
            await asyncio.sleep(_PAUSE_SECONDS)
        now = time.time()
        self.acknowledged += [
            Acknowledged(event_id, FIRST_RUN_ID + number, self._load.endpoint_of(number), due, now)
            for number, event_id in zip(numbers, ids, strict=True)
        ]

    async def _call(self, stub: "DeliveryServiceAsyncStub", request: PublishEventsRequest) -> list[str] | None:
        try:
            answer = await stub.PublishEvents(request, metadata=self._metadata, timeout=_CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            self.answers[error.code().name] += 1
            if error.code().name not in EXPECTED:
                self.odd.append(f"{time.time():.3f} {error.code().name}: {error.details()}")
            return None
        self.answers["OK"] += 1
        return list(answer.event_ids)


@asynccontextmanager
async def publishing(targets: Sequence[str], token: str, load: Load, rate: float) -> AsyncIterator[Publisher]:
    """A publisher at work. The block sets `stopping` when it has enough; leaving it early ends the load at once."""
    channels = [grpc.aio.insecure_channel(target, options=_CHANNEL_OPTIONS) for target in targets]
    publisher = Publisher([DeliveryServiceStub(channel) for channel in channels], token, load)
    task = asyncio.create_task(publisher.run(rate))
    try:
        yield publisher
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for channel in channels:
            await channel.close()
