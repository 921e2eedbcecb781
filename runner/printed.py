"""What a run prints, on its way to trigger_svc: in pieces of at most 256 KiB, a second after it was printed at the latest.

Guards that a log has no hole: pieces go one after the other, each until it is taken; where that cannot be, the log ends
there and the run goes on. What waits is bounded: whoever prints faster than it is taken waits, too. Once trigger_svc keeps
no more of it, only the end is kept, for the report.
"""

import asyncio
import codecs
from contextlib import suppress

import grpc

from chassis.logs import get_logger
from runner import metrics
from runner.client import CHUNK_BYTES, Client, LeaseLost
from runner.held import HeldRun
from runner.tail import Tail

log = get_logger()
#: What was printed is not held back for longer than this, however little it is.
LONGEST_WAIT_SECONDS = 1.0
MOST_WAITING_BYTES = 2 * CHUNK_BYTES


class Printed:
    """An executor.Output. `offset` is where the run's log goes on; `most_tail_bytes` of the end are kept for the report."""

    def __init__(self, client: Client, held: HeldRun, *, offset: int, most_tail_bytes: int) -> None:
        self._client = client
        self._held = held
        self._offset = offset
        self._tail = Tail(most_tail_bytes)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._waiting = bytearray()
        self._taken = True  # whether trigger_svc keeps what is sent
        self._some = asyncio.Event()
        self._enough = asyncio.Event()
        self._room = asyncio.Event()
        self._closed = False
        self._sending = asyncio.create_task(self._send())

    @property
    def tail(self) -> bytes:
        """The end of what was printed."""
        return self._tail.kept

    async def write(self, data: bytes) -> None:
        """Takes the next bytes; waits while too many are on their way."""
        metrics.OUTPUT_BYTES.inc(len(data))
        self._tail.write(data)
        self._add(self._decoder.decode(data))
        while self._taken and not self._held.lost and len(self._waiting) > MOST_WAITING_BYTES:
            self._room.clear()
            await self._room.wait()

    async def close(self) -> None:
        """Sends what still waits, for a bounded time; nothing of a run that is lost."""
        if not self._closed:
            self._add(self._decoder.decode(b"", final=True))
        self._closed = True
        self._some.set()
        self._enough.set()
        if self._held.lost:
            self._sending.cancel()
        await asyncio.wait({self._sending})

    async def _send(self) -> None:
        while self._taken:
            await self._some.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), LONGEST_WAIT_SECONDS)
            piece = next_piece(self._waiting)
            if not piece:
                return  # closed, and all is sent
            del self._waiting[: len(piece)]
            self._mark()
            await self._append(piece)

    async def _append(self, piece: bytes) -> None:
        end = self._offset + len(piece)
        try:
            log_bytes = await self._client.append_log(self._held, self._offset, piece)
        except LeaseLost:
            self._held.lose()
            self._give_up(len(piece))
        except grpc.aio.AioRpcError as error:
            log.warning("run.log_given_up", run=self._held.run_id, offset=self._offset, code=error.code().name)
            self._give_up(len(piece))
        else:
            metrics.LOG_BYTES.inc(min(len(piece), max(0, log_bytes - self._offset)))
            self._offset = end
            if log_bytes < end:  # beyond the limit
                self._give_up(end - log_bytes)

    def _add(self, text: str) -> None:
        data = text.encode()
        if self._taken and not self._held.lost:
            self._waiting += data
            self._mark()
        else:
            metrics.LOG_DROPPED_BYTES.inc(len(data))

    def _mark(self) -> None:
        """Tells the sender what there is to send, and the printer whether there is room."""
        for event, holds in (
            (self._some, self._closed or bool(self._waiting)),
            (self._enough, self._closed or len(self._waiting) >= CHUNK_BYTES),
            (self._room, len(self._waiting) <= MOST_WAITING_BYTES),
        ):
            if holds:
                event.set()
            else:
                event.clear()

    def _give_up(self, dropped: int) -> None:
        metrics.LOG_DROPPED_BYTES.inc(dropped + len(self._waiting))
        self._taken = False
        self._waiting.clear()
        self._room.set()


def next_piece(waiting: bytes | bytearray) -> bytes:
    """What goes first of `waiting`, UTF-8: all of it if that is a piece, else whole lines, else whole characters.

    >>> next_piece(b"one" + bytes([10]) + b"two")
    b'one\\ntwo'
    """
    if len(waiting) <= CHUNK_BYTES:
        return bytes(waiting)
    end = waiting.rfind(b"\n", 0, CHUNK_BYTES) + 1
    if end == 0:
        end = CHUNK_BYTES
        while waiting[end] & 0xC0 == 0x80:  # within a character
            end -= 1
    return bytes(waiting[:end])
