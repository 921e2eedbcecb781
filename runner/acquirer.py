"""Holds the AcquireRuns stream and gives what comes out of it to the crew; a stream that ends is begun again.

Guards that trigger_svc always knows how many runs can be taken: it is told at the beginning and whenever a slot
became free. What was on its way when a stream broke is not started, and handed out again after 30 s.
"""

import asyncio
import time
from typing import TYPE_CHECKING

import grpc

from chassis.logs import get_logger
from runhook.trigger.v1.run_service_pb2 import AcquireRunsRequest, AcquireRunsResponse
from runner import metrics
from runner.crew import Crew
from runner.held import LEASE_SECONDS

if TYPE_CHECKING:
    from runhook.trigger.v1.run_service_pb2_grpc import RunServiceAsyncStub  # a type alone: nothing at run time

log = get_logger()
Stream = grpc.aio.StreamStreamCall[AcquireRunsRequest, AcquireRunsResponse]
#: A stream that lived this long was a good one: the next is begun without a pause.
GOOD_SECONDS = 5.0


class Acquirer:
    """`tick` is one stream, from its beginning to its end."""

    def __init__(
        self,
        stub: "RunServiceAsyncStub",
        crew: Crew,
        *,
        name: str,
        commands: tuple[str, ...],
        metadata: tuple[tuple[str, str], ...],
    ) -> None:
        self._stub = stub
        self._crew = crew
        self._name = name
        self._commands = commands
        self._metadata = metadata

    async def tick(self) -> bool:
        """Acquires until the stream ends or the crew closes. True where the next may begin at once."""
        if self._crew.closing.is_set():
            return False
        metrics.ACQUIRE_STREAMS.inc()
        begun = time.monotonic()
        stream: Stream = self._stub.AcquireRuns(metadata=self._metadata)
        taking = asyncio.create_task(self._take(stream))
        telling = asyncio.create_task(self._tell(stream))
        closing = asyncio.create_task(self._crew.closing.wait())
        try:
            await asyncio.wait([taking, closing], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (taking, telling, closing):
                task.cancel()
            stream.cancel()
            ended = await asyncio.gather(taking, telling, closing, return_exceptions=True)
        good = time.monotonic() - begun > GOOD_SECONDS
        self._log_end(ended[0], good)
        return good

    async def _take(self, stream: Stream) -> None:
        async for response in stream:
            seconds = response.lease_duration.ToTimedelta().total_seconds() or LEASE_SECONDS
            self._crew.take(response.lease.run_id, response.lease.lease_id, seconds)

    async def _tell(self, stream: Stream) -> None:
        """Fails when the stream ends; why it ended is `_take`'s to say."""
        self._crew.freed.clear()
        await stream.write(
            AcquireRunsRequest(runner_name=self._name, commands=self._commands, free_slots=self._crew.free_slots)
        )
        while await self._crew.freed.wait():
            self._crew.freed.clear()
            await stream.write(AcquireRunsRequest(free_slots=self._crew.free_slots))

    def _log_end(self, ended: BaseException | None, good: bool) -> None:
        if isinstance(ended, grpc.aio.AioRpcError):
            say = log.info if good else log.warning  # services end old connections as a matter of course
            say("acquire.ended", code=ended.code().name, details=ended.details())
        elif isinstance(ended, Exception):
            raise ended
