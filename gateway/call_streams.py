"""The way of inbound calls to trigger_svc: a few streams that all requests share, and one line in front of them.

What comes while messages are written goes with the next one, as in a group commit: a message costs many times what a call in
it does. Messages go over the streams in turn, and so to all pods; a stream that was silent for a while, though a call waits
for it, has its turn only when no other is open, be it busy. Invariant: whatever becomes of a stream, its calls have their end
in time.
"""

import asyncio
import random
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway.bearer import Metadata
from gateway.call_stream import REACH_SECONDS, CallStream, PendingCall
from runhook.trigger.v1.trigger_service_pb2 import ReceiveCallsRequest, ReceiveCallsResponse

if TYPE_CHECKING:
    from runhook.trigger.v1.trigger_service_pb2_grpc import TriggerServiceAsyncStub

MOST_WAYS = 3
MOST_CALLS = 500
MOST_BYTES = 1024 * 1024  # of a message, unless its one call is larger
SWEEP_SECONDS = 0.1
END_SECONDS = 1.0
SHORTEST_BACKOFF, LONGEST_BACKOFF = 0.1, 2.0


class CallStreams:
    """Sends calls over `count` streams, which are opened when the first call comes, and again when they have ended."""

    def __init__(self, stub: "TriggerServiceAsyncStub", metadata: Metadata, *, count: int, seconds: float) -> None:
        self._stub = stub
        self._metadata = metadata
        self._count = count
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._line: deque[PendingCall] = deque()
        self._turn: deque[CallStream] = deque()  # those that take calls, the next one first
        self._living: set[CallStream] = set()  # and those that still have some to answer
        self._failures = 0
        self._closed_until = 0.0
        self._flushing = self._sweeping = False

    def send(self, request: ReceiveCallsRequest) -> asyncio.Future[ReceiveCallsResponse]:
        """The service's answer to the call of `request`, which gets its number here; or CallLost."""
        answer: asyncio.Future[ReceiveCallsResponse] = self._loop.create_future()
        self._line.append(PendingCall(request, answer, self._loop.time()))
        self._flush_soon()
        if not self._sweeping:
            self._sweeping = True
            self._loop.call_later(SWEEP_SECONDS, self._sweep)
        return answer

    async def close(self) -> None:
        """Ends the streams; what is under way has a moment to be answered."""
        self._count = 0
        await asyncio.gather(*(stream.end(END_SECONDS) for stream in self._living))
        self._lose_line("the gateway stops")

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        while self._line:
            self._open_missing()
            stream = self._next()
            if stream is None:
                if not self._turn:
                    self._lose_line("trigger_svc cannot be reached")
                return
            stream.put(self._group())

    def _open_missing(self) -> None:
        for _ in range(self._count - len(self._turn)):
            if self._loop.time() < self._closed_until:
                return
            stream = CallStream(
                self._stub, self._metadata, free=self._flush_soon, retired=self._retired, ended=self._ended
            )
            self._turn.append(stream)
            self._living.add(stream)

    def _next(self) -> CallStream | None:
        now = self._loop.time()
        silent, awaited = None, False
        for _ in range(len(self._turn)):
            self._turn.rotate(-1)
            stream = self._turn[-1]
            if stream.stalled(now):
                silent = silent or (stream if stream.usable else None)
            elif stream.usable:
                return stream
            else:
                awaited |= stream.busy
        return None if awaited else silent

    def _group(self) -> Iterator[PendingCall]:
        size = self._line[0].request.ByteSize()
        yield self._line.popleft()
        for _ in range(min(len(self._line), MOST_CALLS - 1)):
            size += self._line[0].request.ByteSize()
            if size > MOST_BYTES:
                return
            yield self._line.popleft()

    def _retired(self, stream: CallStream) -> None:
        if stream in self._turn:
            self._turn.remove(stream)

    def _ended(self, stream: CallStream, unread: list[PendingCall], broken: str) -> None:
        self._living.discard(stream)
        if stream.answered:
            self._failures = 0
        if broken or unread:
            self._back_off()
        for call in reversed(unread):
            call.ways += 1
            if call.ways < MOST_WAYS:
                self._line.appendleft(call)
            else:
                call.lose("no pod of trigger_svc took it")
        self._flush_soon()

    def _back_off(self) -> None:
        """The first time a stream is opened again at once, since there may be other pods."""
        self._failures += 1
        if self._failures > 1:
            wait = min(LONGEST_BACKOFF, SHORTEST_BACKOFF * 2 ** min(self._failures - 2, 10))
            self._closed_until = self._loop.time() + wait * random.uniform(0.5, 1.0)

    def _lose_line(self, why: str) -> None:
        while self._line:
            self._line.popleft().lose(why)

    def _sweep(self) -> None:
        now = self._loop.time()
        for stream in list(self._living):
            stream.expire(now, self._seconds)
        while self._line and now - self._line[0].since > min(REACH_SECONDS, self._seconds):
            self._line.popleft().lose("no stream took it")
        if self._line:
            self._flush_soon()  # the stream it was to wait for may be silent by now
        self._sweeping = bool(self._line) or any(stream.waits for stream in self._living)
        if self._sweeping:
            self._loop.call_later(SWEEP_SECONDS, self._sweep)
