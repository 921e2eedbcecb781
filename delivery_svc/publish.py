"""Publish: callers' batches become events and deliveries in one transaction, answered only after its commit.

Batches of many callers share a flush. A batch is all or nothing: one whose request id came before with another event is
taken out and refused, and the rest of the flush goes on without it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import asyncpg

from chassis import fault_points
from chassis.clock import DatabaseClock
from chassis.database import AWAY_ERRORS
from chassis.errors import AlreadyExists, DomainError
from chassis.grouping import GroupCommit, GroupLimits
from chassis.ids import ksuid
from chassis.tracing import Span
from delivery_svc import metrics
from delivery_svc.event import SECOND, Event, NewEvent
from delivery_svc.intake import Intake
from delivery_svc.store import publishing

#: Deliveries of a flush wait together for room: larger ones wait until the pod is nearly empty (docs/adr/0026).
GROUP_ROWS = 250
Batch = Sequence[NewEvent]
Answer = list[str] | DomainError
Key = tuple[int, str]
Fresh = tuple[Event, NewEvent]


@dataclass(slots=True)
class _Plan:
    """A flush before it is stored: the events to store, and where each event of each batch finds its id."""

    fresh: list[Fresh]
    answers: list[list[str]]
    first: dict[Key, tuple[int, str, bytes]]  # request id: batch that brought it first, event id, body hash


class _Refused(Exception):
    """Batches that cannot be stored, by their index in the flush."""

    def __init__(self, refusals: dict[int, DomainError]) -> None:
        super().__init__()
        self.refusals = refusals


class Publisher:
    """Stores batches in groups and hands what was born leased to the intake."""

    def __init__(
        self, pool: asyncpg.Pool, clock: DatabaseClock, intake: Intake, unknown_outcome: Callable[[], None]
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._intake = intake
        self._unknown_outcome = unknown_outcome
        self._group: GroupCommit[Batch, Answer] = GroupCommit("publish", self._flush, GroupLimits(items=GROUP_ROWS))
        self._written = fault_points.around(self._write, after=fault_points.AFTER_PUBLISH_COMMIT_BEFORE_ANSWER)
        self._stored = fault_points.around(publishing.store, before=fault_points.IN_FLUSH_UNKNOWN_OUTCOME)

    async def publish(self, batch: Batch) -> list[str]:
        """Event ids in the batch's order, once they are committed. DomainError when the batch was refused."""
        size = sum(len(event.data) + 200 for event in batch)
        answer = await self._group.submit(batch, rows=len(batch), size=size)
        if isinstance(answer, DomainError):
            raise answer
        return answer

    async def _flush(self, batches: list[Batch]) -> list[Answer]:
        answers: list[Answer | None] = [None] * len(batches)
        while open_batches := [index for index, answer in enumerate(answers) if answer is None]:
            try:
                stored = await self._store([batches[index] for index in open_batches])
            except _Refused as refused:
                for index, error in refused.refusals.items():
                    answers[open_batches[index]] = error
                continue
            for index, answer in zip(open_batches, stored, strict=True):
                answers[index] = answer
        return cast(list[Answer], answers)

    async def _store(self, batches: Sequence[Batch]) -> list[list[str]]:
        plan = self._plan(batches)
        accounts = Counter(event.account_id for event, _ in plan.fresh)
        room = await self._intake.reserve(accounts)
        if len(accounts) > 1:
            plan.fresh.sort(key=lambda fresh: self._intake.turn(fresh[0].account_id))
        try:
            rows = await self._written(plan, room)
        except AWAY_ERRORS:
            self._unknown_outcome()
            raise
        finally:
            self._intake.unreserve(room)
        metrics.PUBLISHED.inc(len(plan.fresh))
        self._intake.born(rows, [event for event, _ in plan.fresh], room)
        return plan.answers

    async def _write(self, plan: _Plan, room: publishing.Room) -> list[asyncpg.Record]:
        events = [event for event, _ in plan.fresh]
        requests = [(new.request_id, new.body_hash) for _, new in plan.fresh] if plan.first else []
        try:
            return await self._stored(self._pool, events, room, requests)
        except asyncpg.UniqueViolationError:
            return await self._write_what_is_new(plan, room)

    async def _write_what_is_new(self, plan: _Plan, room: publishing.Room) -> list[asyncpg.Record]:
        """Some request ids came before: only a caller that repeats itself pays for looking which."""
        async with self._pool.acquire() as connection, connection.transaction():
            await self._remember(cast(asyncpg.Connection, connection), plan)
            events = [event for event, _ in plan.fresh]
            return await publishing.store(cast(asyncpg.Connection, connection), events, room) if events else []

    async def _remember(self, connection: asyncpg.Connection, plan: _Plan) -> None:
        """Remembers the request ids; events that came before are taken out of the plan and answered with their first id."""
        named = [(event.event_id, new) for event, new in plan.fresh if new.request_id is not None]
        won = await publishing.remember(connection, named)
        losers = {event_id: new for event_id, new in named if event_id not in won}
        if not losers:
            return
        before = await publishing.recall(connection, list(losers.values()))
        refusals: dict[int, DomainError] = {}
        answers: dict[str, str] = {}
        for event_id, event in losers.items():
            key = (event.account_id, cast(str, event.request_id))
            body_hash, first_id = before[key]
            answers[event_id] = first_id
            if body_hash != event.body_hash:
                refusals[plan.first[key][0]] = _taken(key[1])
        if refusals:
            raise _Refused(refusals)
        plan.fresh = [pair for pair in plan.fresh if pair[0].event_id not in losers]
        plan.answers = [[answers.get(event_id, event_id) for event_id in ids] for ids in plan.answers]

    def _plan(self, batches: Sequence[Batch]) -> _Plan:
        """Gives every event its id; a request id that stands twice in the flush is stored once."""
        plan = _Plan([], [], {})
        now_ns = self._clock.now_us() * 1000
        refusals: dict[int, DomainError] = {}
        for index, batch in enumerate(batches):
            ids = []
            for event in batch:
                key = None if event.request_id is None else (event.account_id, event.request_id)
                known = None if key is None else plan.first.get(key)
                if known is not None and known[2] != event.body_hash:
                    refusals[index] = _taken(cast(str, event.request_id))
                ids.append(known[1] if known is not None else self._add(plan, index, event, key, now_ns))
            plan.answers.append(ids)
        if refusals:
            raise _Refused(refusals)
        return plan

    @staticmethod
    def _add(plan: _Plan, index: int, new: NewEvent, key: Key | None, now_ns: int) -> str:
        time_ns = now_ns if new.event_time_ns is None else new.event_time_ns
        # An event id carries the second of its event, as the ids in the wild do.
        event_id = "wev_" + ksuid(time_ns // SECOND)
        event = Event(event_id, new.account_id, new.event_type, new.job_id, time_ns, new.data, new.traceparent)
        plan.fresh.append((event, new))
        if key is not None:
            plan.first[key] = (index, event_id, new.body_hash)
        return event_id


def trace(batch: Batch, span: Span) -> None:
    """Events that name no trace belong to that of the call that brings them, the call points to those of the others."""
    for event in batch:
        if event.traceparent is None:
            event.traceparent = span.traceparent
        else:
            span.link(event.traceparent)
    span.note({"runhook.events": len(batch)})


def _taken(request_id: str) -> AlreadyExists:
    return AlreadyExists(
        "REQUEST_ID_TAKEN",
        f"request_id {request_id!r} came before with another event: give the new event an id of its own",
        metadata={"request_id": request_id},
    )
