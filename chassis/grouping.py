"""Group commit: what arrives while one flush is under way forms the next group, so that a commit is shared by many.

One flush in flight and no timer: an idle system adds no latency, a busy one makes its own deep groups. Groups are bounded
in count and bytes, the waiting line too: beyond it the answer is RESOURCE_EXHAUSTED, and memory stays bounded whatever
callers do. One caller's item is never split, and a poison item never fails the others: on a data error the group is
halved until the item that caused it stands alone.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import asyncpg
from prometheus_client import Gauge, Histogram

from chassis import tracing
from chassis.errors import ResourceExhausted
from chassis.histogram import SECONDS
from chassis.logs import get_logger

Item = TypeVar("Item")
Answer = TypeVar("Answer")
log = get_logger()
FLUSH_SECONDS = Histogram(
    "runhook_group_flush_seconds",
    "Time of one flush of a group commit, which whoever comes meanwhile waits for; when it rises, Postgres is slow.",
    ["group"],
    buckets=SECONDS,
)
FLUSH_ITEMS = Histogram(
    "runhook_group_items",
    "Rows in one flush of a group commit; 1 while there is little to do, near its limit when Postgres is what all wait for.",
    ["group"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
)
WAITING_ITEMS = Gauge(
    "runhook_group_waiting_items", "Rows that wait for the next flush; beyond 10,000 they are refused.", ["group"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLimits:
    """Bounds in rows and bytes of one flush and of the line that waits for the next."""

    items: int = 500
    size: int = 4 * 1024 * 1024
    waiting_items: int = 10_000
    waiting_size: int = 32 * 1024 * 1024


@dataclass(slots=True)
class _Waiting(Generic[Item, Answer]):
    item: Item
    rows: int
    size: int
    answer: asyncio.Future[Answer] | None  # None: nobody waits for it
    span: tracing.Span | None = None  # of whoever waits


class GroupCommit(Generic[Item, Answer]):
    """Gathers items and flushes them together. `flush` gets the items of a group and returns one answer for each, in order.

    A flush may raise asyncpg.DataError (or an integrity error) for one item's sake: it is called again with halves. Any
    other error goes to every caller of the group.
    """

    def __init__(
        self, name: str, flush: Callable[[list[Item]], Awaitable[list[Answer]]], limits: GroupLimits | None = None
    ) -> None:
        self._name = name
        self._flush = flush
        self._limits = limits or GroupLimits()
        self._line: deque[_Waiting[Item, Answer]] = deque()
        self._rows = 0
        self._size = 0
        self._task: asyncio.Task[None] | None = None
        self._seconds = FLUSH_SECONDS.labels(name)
        self._items = FLUSH_ITEMS.labels(name)
        self._waiting = WAITING_ITEMS.labels(name)

    async def submit(self, item: Item, *, rows: int = 1, size: int = 0) -> Answer:
        """Waits for the flush that carries the item. `rows` and `size` (bytes) are what it adds to a group.

        ResourceExhausted when the waiting line is full: then the item was not taken.
        """
        limits = self._limits
        if self._line and (self._rows + rows > limits.waiting_items or self._size + size > limits.waiting_size):
            raise ResourceExhausted(
                "WAITING_LINE_FULL", "too much is waiting to be stored: call again", retry_after=0.5
            )
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._take(_Waiting(item, rows, size, answer, tracing.current.get() if tracing.on() else None))
        return await answer

    def add(self, item: Item, *, rows: int = 1, size: int = 0) -> None:
        """Takes an item whose answer nobody waits for. The caller bounds how many there can be; the line does not refuse."""
        self._take(_Waiting(item, rows, size, None))

    async def idle(self) -> None:
        """Returns when nothing waits and no flush is under way."""
        while self._task is not None:
            await asyncio.wait([self._task])

    def _take(self, waiting: _Waiting[Item, Answer]) -> None:
        self._line.append(waiting)
        self._count(waiting.rows, waiting.size)
        if self._task is None:
            self._task = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while self._line:
                group = self._next_group()
                self._items.observe(sum(waiting.rows for waiting in group))
                await self._settle(group)
        finally:
            self._task = None

    def _next_group(self) -> list[_Waiting[Item, Answer]]:
        group: list[_Waiting[Item, Answer]] = []
        rows = size = 0
        while self._line:
            first = self._line[0]
            if group and (rows + first.rows > self._limits.items or size + first.size > self._limits.size):
                break
            group.append(self._line.popleft())
            rows, size = rows + first.rows, size + first.size
        self._count(-rows, -size)
        return group

    async def _settle(self, group: list[_Waiting[Item, Answer]]) -> None:
        started = time.monotonic()
        span = self._begin_span(group) if tracing.on() else None
        fault = ""
        try:
            answers = await self._flush([waiting.item for waiting in group])
            for waiting, answer in zip(group, answers, strict=True):
                if waiting.answer is not None and not waiting.answer.done():
                    waiting.answer.set_result(answer)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            fault = type(error).__name__
            if len(group) == 1:
                self._fail(group, error)
                return
            middle = len(group) // 2
            await self._settle(group[:middle])
            await self._settle(group[middle:])
        except Exception as error:
            fault = type(error).__name__
            self._fail(group, error)
        except BaseException as error:
            fault = type(error).__name__
            self._fail(group, asyncio.CancelledError())
            raise
        finally:
            self._seconds.observe(time.monotonic() - started)
            if span is not None:
                span.end(fault)

    def _begin_span(self, group: list[_Waiting[Item, Answer]]) -> tracing.Span | None:
        """One span for all: below the first of those who are traced, pointed to by the others."""
        traced = [waiting.span for waiting in group if waiting.span is not None]
        if not traced:
            return None
        rows = sum(waiting.rows for waiting in group)
        name, attributes = f"{self._name} flush", {"runhook.group.items": rows}
        span = tracing.begin(name, parent=traced[0].traceparent, attributes=attributes)
        if span is not None:
            for other in traced[1:]:
                other.link(span.traceparent)
        return span

    @staticmethod
    def _fail(group: list[_Waiting[Item, Answer]], error: BaseException) -> None:
        for waiting in group:
            if waiting.answer is None:
                log.error("group.item_lost", error=repr(error))
                continue
            if waiting.answer.done():
                continue
            if isinstance(error, asyncio.CancelledError):
                waiting.answer.cancel()
            else:
                waiting.answer.set_exception(error)

    def _count(self, rows: int, size: int) -> None:
        self._rows += rows
        self._size += size
        self._waiting.set(self._rows)
