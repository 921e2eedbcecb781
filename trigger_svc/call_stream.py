"""One ReceiveCalls stream: many calls at once, an answer for each as soon as it is known, in whatever order.

Calls beyond IN_FLIGHT are not read, so the stream pushes back. When the process drains, nothing more is read, what was
read is answered, then the stream ends: a call without an answer was not stored.
"""

import asyncio
from collections.abc import AsyncIterator

from chassis.database import AWAY_ERRORS, away
from chassis.errors import DomainError
from chassis.logs import get_logger
from runhook.trigger.v1 import trigger_service_pb2 as pb
from trigger_svc import convert, metrics
from trigger_svc.receive import Receiver

log = get_logger()
IN_FLIGHT = 2_000
INTERNAL = 13


class CallStream:
    """A stream's calls and answers."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._answers: asyncio.Queue[pb.ReceiveCallsResponse | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(IN_FLIGHT)
        self._waiting: set[asyncio.Task[None]] = set()
        self._reading: asyncio.Task[None] | None = None

    async def answer_all(
        self, requests: AsyncIterator[pb.ReceiveCallsRequest], draining: asyncio.Event
    ) -> AsyncIterator[pb.ReceiveCallsResponse]:
        """The answers, until all of `requests` is answered or the drain is done."""
        reading = self._reading = asyncio.create_task(self._read(requests))
        drained = asyncio.create_task(draining.wait())
        drained.add_done_callback(lambda _: reading.cancel())
        try:
            while (answer := await self._answers.get()) is not None:
                yield answer
        finally:
            for task in (drained, reading, *self._waiting):
                task.cancel()

    async def _read(self, requests: AsyncIterator[pb.ReceiveCallsRequest]) -> None:
        try:
            async for request in requests:
                await self._room.acquire()
                task = asyncio.create_task(self._answer(request))
                self._waiting.add(task)
                task.add_done_callback(self._answered)
        finally:
            self._reading = None
            self._end_if_done()

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._waiting.discard(task)
        self._room.release()
        self._end_if_done()

    def _end_if_done(self) -> None:
        if self._reading is None and not self._waiting:
            self._answers.put_nowait(None)

    async def _answer(self, request: pb.ReceiveCallsRequest) -> None:
        answer = pb.ReceiveCallsResponse(call_number=request.call_number)
        try:
            answer.accepted.call_id = await self._receiver.receive(convert.call(request.call))
        except DomainError as error:
            _refuse(answer, error.code.value[0], error.reason, error.message, error.retry_after)
        except AWAY_ERRORS as error:
            gone = away(error)
            _refuse(answer, gone.code.value[0], gone.reason, gone.message, gone.retry_after)
        except Exception as error:
            log.error("call.failed", error=repr(error), exc_info=True)
            _refuse(answer, INTERNAL, "INTERNAL", "internal error", None)
        metrics.CALLS.labels(answer.refused.reason or "accepted").inc()
        self._answers.put_nowait(answer)


def _refuse(answer: pb.ReceiveCallsResponse, code: int, reason: str, message: str, retry_after: float | None) -> None:
    answer.refused.code = code
    answer.refused.reason = reason
    answer.refused.message = message
    if retry_after is not None:
        answer.refused.retry_delay.FromMilliseconds(int(retry_after * 1000))
