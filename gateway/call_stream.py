"""The way of inbound calls to trigger_svc: a few ReceiveCalls streams that all requests share.

Invariant: every call gets exactly one end: its answer, or CallLost when its stream broke or was silent for too long;
then nobody knows whether it was stored. A stream lives shorter than the grace that a server gives an ageing connection,
so that none is cut under a call; the next one may lead to another pod.
"""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING

import grpc

from chassis.logs import get_logger
from gateway.bearer import Metadata
from runhook.trigger.v1.trigger_pb2 import Call
from runhook.trigger.v1.trigger_service_pb2 import ReceiveCallsRequest, ReceiveCallsResponse

if TYPE_CHECKING:
    from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceAsyncStub

log = get_logger()
LIFE_SECONDS = 20.0
MOST_WAYS = 3
REACH_SECONDS = 1.8  # a stream of which nothing came yet may lead nowhere: its callers are told sooner
END_SECONDS = 1.0


class CallLost(Exception):
    """No answer came; the call may or may not have been stored."""


class CallNotRead(CallLost):
    """The stream was ended in good order before the call was read: it was not stored and may go another way."""


class CallStreams:
    """Sends calls over `count` streams in turn; each is opened when first needed and again after it ended."""

    def __init__(self, stub: "TriggerServiceAsyncStub", metadata: Metadata, *, count: int, seconds: float) -> None:
        self._stub = stub
        self._metadata = metadata
        self._seconds = seconds
        self._streams: list[_Stream | None] = [None] * count
        self._turns = itertools.cycle(range(count))

    async def send(self, call: Call) -> ReceiveCallsResponse:
        """The service's answer. CallLost when there is none."""
        for _ in range(MOST_WAYS - 1):
            with suppress(CallNotRead):
                return await self._send(call)
        return await self._send(call)

    async def _send(self, call: Call) -> ReceiveCallsResponse:
        stream = self._stream(next(self._turns))
        number, answer = stream.put(call)
        seconds = self._seconds if stream.reached else min(self._seconds, REACH_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            stream.give_up(number)
            raise CallLost(f"no answer within {seconds:g} s") from None
        finally:
            stream.forget(number)

    async def close(self) -> None:
        """Ends the streams; what is under way has a moment to be answered."""
        await asyncio.gather(*(stream.end() for stream in self._streams if stream is not None))

    def _stream(self, index: int) -> "_Stream":
        stream = self._streams[index]
        if stream is None or not stream.usable:
            stream = self._streams[index] = _Stream(self._stub, self._metadata)
        return stream


class _Stream:
    """One ReceiveCalls stream, from its first call to its end."""

    def __init__(self, stub: "TriggerServiceAsyncStub", metadata: Metadata) -> None:
        self.usable = True
        self.reached = False
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[ReceiveCallsResponse]] = {}
        self._newest_answered = 0
        self._line: asyncio.Queue[ReceiveCallsRequest | None] = asyncio.Queue()
        self._rpc = stub.ReceiveCalls(self._requests(), metadata=metadata)
        self._reading = asyncio.create_task(self._read(), name="call answers")
        life = LIFE_SECONDS * random.uniform(0.75, 1.0)  # so that not all streams are renewed at once
        self._retirement = asyncio.get_running_loop().call_later(life, self._retire)

    def put(self, call: Call) -> tuple[int, asyncio.Future[ReceiveCallsResponse]]:
        """Puts a call in line; gives its number and the future of its answer."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._line.put_nowait(ReceiveCallsRequest(call_number=number, call=call))
        return number, answer

    def forget(self, number: int) -> None:
        """Drops what is kept for a call that has its end."""
        self._answers.pop(number, None)

    def give_up(self, number: int) -> None:
        """A call waited too long. If nothing after it was answered either, the stream leads nowhere and is cut."""
        if self._newest_answered < number:
            self.usable = False
            self._rpc.cancel()

    async def end(self) -> None:
        """Half-closes, and cuts what the service does not end in good order."""
        self._retire()
        await asyncio.wait([self._reading], timeout=END_SECONDS)
        self._rpc.cancel()

    def _retire(self) -> None:
        self._retirement.cancel()
        self.usable = False
        self._line.put_nowait(None)

    async def _requests(self) -> AsyncIterator[ReceiveCallsRequest]:
        while (request := await self._line.get()) is not None:
            yield request

    async def _read(self) -> None:
        end: CallLost = CallNotRead("the stream ended")
        try:
            await self._rpc.initial_metadata()
            self.reached = True
            async for answer in self._rpc:
                self._settle(answer)
        except grpc.aio.AioRpcError as error:
            end = CallLost(f"{error.code().name}: {error.details()}")
        except asyncio.CancelledError:
            end = CallLost("the stream was cut")
        finally:
            self._retirement.cancel()
            self.usable = False
            self._lose(end)

    def _settle(self, answer: ReceiveCallsResponse) -> None:
        self._newest_answered = max(self._newest_answered, answer.call_number)
        waiting = self._answers.get(answer.call_number)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _lose(self, end: CallLost) -> None:
        lost = [waiting for waiting in self._answers.values() if not waiting.done()]
        for waiting in lost:
            waiting.set_exception(end)
        if lost and not isinstance(end, CallNotRead):
            log.warning("calls.lost", calls=len(lost), reason=str(end))
