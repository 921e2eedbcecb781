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
from trigger_svc.refusal import Unverified

log = get_logger()
IN_FLIGHT = 2_000
MOST_MORE = 500
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
                self._add_those_at_hand(answer)
                yield answer
        finally:
            for task in (drained, reading, *self._waiting):
                task.cancel()

    async def _read(self, requests: AsyncIterator[pb.ReceiveCallsRequest]) -> None:
        try:
            async for message in requests:
                for request in (message, *message.more):
                    await self._room.acquire()
                    task = asyncio.create_task(self._answer(request))
                    self._waiting.add(task)
                    task.add_done_callback(self._answered)
        finally:
            self._reading = None
            self._end_if_done()

    def _add_those_at_hand(self, answer: pb.ReceiveCallsResponse) -> None:
        """One message for all that is answered at this moment; what ends the stream stays for the next look."""
        for _ in range(min(self._answers.qsize(), MOST_MORE)):
            further = self._answers.get_nowait()
            if further is None:
                self._answers.put_nowait(None)
                return
            answer.more.append(further)

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
            answered = await self._receiver.receive(convert.call(request.call))
            answer.accepted.CopyFrom(convert.accepted(answered))
        except DomainError as error:
            _refuse(answer, error.code.value[0], error.reason, error.message, error.retry_after)
            if isinstance(error, Unverified):
                answer.refused.challenge = error.challenge
        except AWAY_ERRORS as error:
            gone = away(error)
            _refuse(answer, gone.code.value[0], gone.reason, gone.message, gone.retry_after)
        except Exception as error:
            log.error("call.failed", error=repr(error), exc_info=True)
            _refuse(answer, INTERNAL, "INTERNAL", "internal error", None)
        metrics.calls(_answer_of(answer)).inc()
        self._answers.put_nowait(answer)


def _answer_of(answer: pb.ReceiveCallsResponse) -> str:
    if answer.refused.reason:
        return answer.refused.reason
    if not answer.accepted.call_id:
        return "handshake"
    return "duplicate" if answer.accepted.duplicate else "accepted"


def _refuse(answer: pb.ReceiveCallsResponse, code: int, reason: str, message: str, retry_after: float | None) -> None:
    answer.refused.code = code
    answer.refused.reason = reason
    answer.refused.message = message
    if retry_after is not None:
        answer.refused.retry_delay.FromMilliseconds(int(retry_after * 1000))
