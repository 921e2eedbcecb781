"""One ReceiveCalls stream to trigger_svc, from its opening to its end.

Invariant: every call that was put on it gets exactly one end: its answer; CallLost when the stream broke or was silent for
too long, since nobody knows then whether it was stored; or, after an end in good order, it is handed back as not read.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING

import grpc

from chassis.logs import get_logger
from gateway import metrics
from gateway.bearer import Metadata
from runhook.trigger.v1.trigger_service_pb2 import ReceiveCallsRequest, ReceiveCallsResponse

if TYPE_CHECKING:
    from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceAsyncStub

log = get_logger()
#: With the longest wait for an answer shorter than chassis.grpc_server.AGE_GRACE_SECONDS, so that none is cut under a call. The
#: next one may lead to another pod.
LIFE_SECONDS = 20.0
REACH_SECONDS = 1.8  # a stream of which nothing came until then leads nowhere
STALL_SECONDS = 0.5


class CallLost(Exception):
    """No answer came; the call may or may not have been stored."""


class PendingCall:
    """A call that waits for its end. `since` is of the loop's clock."""

    __slots__ = ("answer", "request", "since", "ways")

    def __init__(
        self, request: ReceiveCallsRequest, answer: asyncio.Future[ReceiveCallsResponse], since: float
    ) -> None:
        self.request = request
        self.answer = answer
        self.since = since
        self.ways = 0

    def lose(self, why: str) -> None:
        """Its end without an answer."""
        if not self.answer.done():
            self.answer.set_exception(CallLost(why))


class CallStream:
    """`free` is called whenever a message may be put on it, `retired` once when none may any more, `ended` once with the calls
    that were never read and why it broke ("" for an end in good order)."""

    def __init__(
        self,
        stub: "TriggerServiceAsyncStub",
        metadata: Metadata,
        *,
        free: Callable[[], None],
        retired: Callable[["CallStream"], None],
        ended: Callable[["CallStream", list[PendingCall], str], None],
    ) -> None:
        self.answered = False
        self._reached = self._is_retired = self._busy = False
        self._loop = asyncio.get_running_loop()
        self._free = free
        self._retired = retired
        self._ended = ended
        self._number = 0
        self._waiting: dict[int, PendingCall] = {}
        self._heard_at = self._loop.time()
        self._message: ReceiveCallsRequest | None = None
        self._news = asyncio.Event()
        self._rpc = stub.ReceiveCalls(self._requests(), metadata=metadata)
        self._reading = asyncio.create_task(self._read(), name="call answers")
        life = LIFE_SECONDS * random.uniform(0.75, 1.0)  # so that not all streams are renewed at once
        self._timer = self._loop.call_later(REACH_SECONDS, self._rpc.cancel)
        self._retirement = self._loop.call_later(life, self.retire)

    @property
    def usable(self) -> bool:
        """Whether a message may be put on it now."""
        return self._reached and not self._busy and not self._is_retired

    @property
    def busy(self) -> bool:
        """Whether a message is being written; `free` is called when that is done."""
        return self._busy

    @property
    def waits(self) -> bool:
        """Whether a call on it has no end yet."""
        return bool(self._waiting)

    def stalled(self, now: float) -> bool:
        """Whether it was silent for a while although a call waits for it: its pod may have stopped."""
        if not self._waiting or now - self._heard_at < STALL_SECONDS:
            return False
        return now - next(iter(self._waiting.values())).since > STALL_SECONDS

    def put(self, calls: Iterable[PendingCall]) -> None:
        """Sends these as one message."""
        message: ReceiveCallsRequest | None = None
        for call in calls:
            self._number += 1
            call.request.call_number = self._number
            self._waiting[self._number] = call
            if message is None:
                message = call.request
            else:
                message.more.append(call.request)
        self._message = message
        self._busy = True
        self._news.set()

    def expire(self, now: float, seconds: float) -> None:
        """Ends calls that are older than this. Was nothing heard since one of them came, the stream is cut."""
        late = [number for number, call in self._waiting.items() if now - call.since > seconds]
        for number in late:
            call = self._waiting.pop(number)
            call.lose(f"no answer within {seconds:g} s")
            if self._heard_at < call.since:
                self.retire()
                self._rpc.cancel()

    def retire(self) -> None:
        """Takes no more, and ends when what it has is answered."""
        self._timer.cancel()
        self._retirement.cancel()
        self._is_retired = True
        self._news.set()
        self._retired(self)

    async def end(self, seconds: float) -> None:
        """Retires, and is cut when that takes longer."""
        self.retire()
        await asyncio.wait([self._reading], timeout=seconds)
        self._rpc.cancel()

    async def _requests(self) -> AsyncIterator[ReceiveCallsRequest]:
        while True:
            await self._news.wait()
            self._news.clear()
            message, self._message = self._message, None
            if message is not None:
                yield message
                self._busy = False
                self._free()
            if self._is_retired:
                return

    async def _read(self) -> None:
        broken = ""
        try:
            await self._rpc.initial_metadata()
            self._timer.cancel()
            self._reach()
            async for answer in self._rpc:
                self._heard_at = self._loop.time()
                self._settle(answer)
                for further in answer.more:
                    self._settle(further)
        except grpc.aio.AioRpcError as error:
            broken = f"{error.code().name}: {error.details()}"
        except asyncio.CancelledError:
            broken = "the stream was cut"
        finally:
            self._end(broken)

    def _reach(self) -> None:
        """A refusal has initial metadata as well, but is over then."""
        if not self._rpc.done():
            self._reached = True
            metrics.CALL_STREAMS.inc()
            self._free()

    def _settle(self, answer: ReceiveCallsResponse) -> None:
        call = self._waiting.pop(answer.call_number, None)
        if call is not None and not call.answer.done():
            self.answered = True
            call.answer.set_result(answer)

    def _end(self, broken: str) -> None:
        self.retire()
        if self._reached:
            metrics.CALL_STREAMS.dec()
        waiting = list(self._waiting.values())
        self._waiting.clear()
        if broken:
            metrics.CALL_STREAMS_BROKEN.inc()
            log.warning("calls.stream_broken", calls_lost=len(waiting), reason=broken)
            for call in waiting:
                call.lose(broken)
            waiting.clear()
        self._ended(self, waiting, broken)
