"""The publisher: batches at a fixed rate, to the pods in turn, repeated with the same request ids until answered.

Invariant: an event is acknowledged in the ledger if and only if a call with it was answered OK. A call without an answer
is an outcome unknown, and the next try goes to the other pod.
"""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import grpc

from bench.payload import Load
from runhook.delivery.v1.delivery_service_pb2 import PublishEventsRequest
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from tests.chaos.ledger import Ledger

if TYPE_CHECKING:
    from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceAsyncStub

BATCH = 20
_CALL_SECONDS = 4.0
_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 2.0
_MOST_CALLS = 1000
_MOST_ODD = 100
#: Answers that mean: once more; CANCELLED is what gRPC says for a pod whose grace period ended with calls in hand. Any other
#: is a finding; it is counted, and the batch repeated all the same.
EXPECTED = frozenset({"OK", "UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "CANCELLED"})
# A pod comes back within seconds; the default would let a channel rest for two minutes.
_CHANNEL_OPTIONS = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500))


class Publisher:
    """Publishes until told to stop; `answers` counts the status codes of all calls, `begun` the events of all batches."""

    def __init__(self, stubs: Sequence["DeliveryServiceAsyncStub"], token: str, load: Load, ledger: Ledger) -> None:
        self.begun = 0
        self.answers: Counter[str] = Counter()
        self.odd: list[str] = []
        self.stopping = asyncio.Event()
        self._stubs = stubs
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._load = load
        self._ledger = ledger

    async def run(self, rate: float) -> None:
        """Publishes `rate` events a second until `stopping`, then waits until every batch has been answered."""
        loop = asyncio.get_running_loop()
        room = asyncio.Semaphore(_MOST_CALLS)
        due = loop.time()
        async with asyncio.TaskGroup() as group:
            while not self.stopping.is_set():
                await asyncio.sleep(due - loop.time())
                await room.acquire()
                group.create_task(self._publish(self.begun)).add_done_callback(lambda _: room.release())
                self.begun += BATCH
                due += BATCH / rate

    async def _publish(self, first: int) -> None:
        due = time.time()
        numbers = range(first, first + BATCH)
        request = PublishEventsRequest(events=[self._load.event(number, time.time_ns()) for number in numbers])
        turn = first // BATCH % len(self._stubs)
        stubs = itertools.cycle([*self._stubs[turn:], *self._stubs[:turn]])
        pause = _PAUSE_SECONDS
        while (ids := await self._call(next(stubs), request)) is None:
            # Growing and random, as the client's own: a thousand calls that come again together keep a pod down.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(_LONGEST_PAUSE_SECONDS, 2 * pause)
        for number, event_id in zip(numbers, ids, strict=True):
            self._ledger.acknowledge(number, event_id, due)

    async def _call(self, stub: "DeliveryServiceAsyncStub", request: PublishEventsRequest) -> list[str] | None:
        try:
            answer = await stub.PublishEvents(request, metadata=self._metadata, timeout=_CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            self.answers[error.code().name] += 1
            if error.code().name not in EXPECTED and len(self.odd) < _MOST_ODD:
                self.odd.append(f"{time.time():.3f} {error.code().name}: {error.details()}")
            return None
        self.answers["OK"] += 1
        return list(answer.event_ids)


@asynccontextmanager
async def publishing(
    targets: Sequence[str], token: str, load: Load, rate: float, ledger: Ledger
) -> AsyncIterator[Publisher]:
    """A publisher at work. The block sets `stopping` when it has enough; leaving it early ends the load at once."""
    channels = [grpc.aio.insecure_channel(target, options=_CHANNEL_OPTIONS) for target in targets]
    publisher = Publisher([DeliveryServiceStub(channel) for channel in channels], token, load, ledger)
    task = asyncio.create_task(publisher.run(rate))
    try:
        yield publisher
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for channel in channels:
            await channel.close()
