"""Commits groups of calls: one statement for the calls of many triggers, whatever becomes of each trigger.

A trigger whose head another pod holds is passed over; its calls come again, and none of this pod overtakes them.
A commit whose outcome is unknown is looked up on another connection: found is accepted, anything else is refused.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID, uuid4

import asyncpg

from chassis import fault_points, tracing
from chassis.clock import DatabaseClock
from chassis.database import AWAY_ERRORS, away
from chassis.ids import ksuid
from trigger_svc.aftermath import Aftermath
from trigger_svc.journey import Taken
from trigger_svc.store import head as heads
from trigger_svc.store.head import Flush, Flushed

#: Rolled back for sure, because of locks: the calls may simply come again.
HELD_UP = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class Outcome(Enum):
    """What a flush did with a call."""

    TAKEN = auto()
    GONE = auto()
    ENDED = auto()  # its token counts no more
    PAUSED = auto()
    REFUSED = auto()  # the queue is full
    IN_DOUBT = auto()  # its flush is committed, but this call is not in, and nobody knows any more why
    AGAIN = auto()


@dataclass(frozen=True, slots=True)
class Repeated:
    """The call came before, under this id."""

    call_id: str


@dataclass(slots=True, kw_only=True)
class Arrival:
    """A checked call on its way in. `number` rises with the pod's calls; `size` is what it adds to a payload.

    `generation` is that of the token by which it came. `data_mode` None is "string"; `dedupe_key` None: not known again.
    `refuses_while_paused` and `rejects` are its trigger's.
    `sender` is the traceparent that it came with and `since_ns` when, since 1970, both while traces are on.
    `left` once nobody waits for its answer any more: it is not stored then, if that is still possible.
    """

    number: int
    trigger_id: int
    generation: int
    call_id: str
    media_type: str
    body: bytes
    size: int
    data_mode: str | None = None
    dedupe_key: bytes | None = None
    refuses_while_paused: bool = False
    rejects: bool = False
    sender: str = ""
    since_ns: int = 0
    left: bool = False


class Ingest:
    """The flushes of a receiver's two lines: the common one, and that of the calls that were passed over."""

    def __init__(self, pool: asyncpg.Pool, clock: DatabaseClock, aftermath: Aftermath) -> None:
        self._pool = pool
        self._clock = clock
        self._aftermath = aftermath
        self._passed_over: defaultdict[int, set[int]] = defaultdict(set)  # numbers of calls that will come again
        self._receive = fault_points.around(
            heads.receive,
            before=fault_points.IN_RECEIVE_BEFORE_COMMIT,
            after=fault_points.AFTER_RECEIVE_COMMIT_BEFORE_ANSWER,
        )

    async def flush(self, arrivals: list[Arrival]) -> list[Outcome | Repeated]:
        """Commits what can be committed without waiting for anybody. Unavailable when nothing is known to be stored."""
        return await self._flush(arrivals, patient=False)

    async def flush_patiently(self, arrivals: list[Arrival]) -> list[Outcome | Repeated]:
        """The same for calls that were passed over: waits for their heads, for a quarter of a second each."""
        return await self._flush(arrivals, patient=True)

    def leave(self, arrival: Arrival) -> None:
        """The call will not come again, whatever a flush that is under way makes of it."""
        arrival.left = True
        self._no_longer_passed_over(arrival)

    async def _flush(self, arrivals: list[Arrival], *, patient: bool) -> list[Outcome | Repeated]:
        ready = self._in_turn(arrivals)
        flushed = await self._commit(ready, patient=patient)
        self._aftermath.closed(flushed.closed)
        self._aftermath.opened(flushed.opened)
        places = {arrival.number: place for place, arrival in enumerate(ready, 1)}
        outcomes = [self._outcome(arrival, flushed, places.get(arrival.number)) for arrival in arrivals]
        if tracing.on():
            self._aftermath.taken(
                [_taken(one) for one, so in zip(arrivals, outcomes, strict=True) if so is Outcome.TAKEN]
            )
        return outcomes

    def _in_turn(self, arrivals: Iterable[Arrival]) -> list[Arrival]:
        """The arrivals in the order of triggers and numbers, without those that would overtake one passed over."""
        by_trigger: defaultdict[int, list[Arrival]] = defaultdict(list)
        for arrival in arrivals:
            if not arrival.left:
                by_trigger[arrival.trigger_id].append(arrival)
        ready: list[Arrival] = []
        for trigger_id in sorted(by_trigger):
            mine = sorted(by_trigger[trigger_id], key=lambda arrival: arrival.number)
            if passed_over := self._passed_over.get(trigger_id):
                first = min(passed_over.difference(arrival.number for arrival in mine), default=math.inf)
                mine = [arrival for arrival in mine if arrival.number < first]
            ready += mine
        return ready

    def _outcome(self, arrival: Arrival, flushed: Flushed, place: int | None) -> Outcome | Repeated:
        if place is not None:
            outcome = _outcome_at(place, arrival, flushed)
            if outcome is not None:
                self._no_longer_passed_over(arrival)
                return outcome
        if not arrival.left:
            self._passed_over[arrival.trigger_id].add(arrival.number)
        return Outcome.AGAIN

    def _no_longer_passed_over(self, arrival: Arrival) -> None:
        waiting = self._passed_over.get(arrival.trigger_id)
        if waiting is not None:
            waiting.discard(arrival.number)
            if not waiting:
                del self._passed_over[arrival.trigger_id]

    async def _commit(self, ready: list[Arrival], *, patient: bool) -> Flushed:
        if not ready:
            return Flushed()
        flush = Flush(group_id=uuid4())
        for one in ready:
            flush.add(one.trigger_id, one.call_id, one.media_type, one.body, one.size, generation=one.generation)
            if one.data_mode is not None:
                flush.data_modes[len(flush.call_ids)] = one.data_mode
            if one.dedupe_key is not None:
                flush.dedupe_keys[len(flush.call_ids)] = one.dedupe_key
            if one.refuses_while_paused:
                flush.pausing.add(one.trigger_id)
            if one.rejects:
                flush.rejecting.add(one.trigger_id)
        seconds = int(self._clock.now().timestamp())
        execution_ids = ["exe_" + ksuid(seconds) for _ in range(flush.most_windows)]
        try:
            return await self._receive(self._pool, flush, execution_ids, patient=patient)
        except HELD_UP:
            return Flushed()
        except AWAY_ERRORS as error:
            return await self._look_up(flush.group_id, error)

    async def _look_up(self, group_id: UUID, error: Exception) -> Flushed:
        try:
            found = await heads.find_group(self._pool, group_id)
        except AWAY_ERRORS:
            found = None
        if found is None:
            raise away(error) from error
        return found


def _outcome_at(place: int, arrival: Arrival, flushed: Flushed) -> Outcome | Repeated | None:
    """What became of the call at a flush's place; None when its trigger was passed over, or the call is to come again without
    those of an older token, which counts no more."""
    trigger_id = arrival.trigger_id
    if trigger_id in flushed.taken:
        if place in flushed.repeated:
            return Repeated(flushed.repeated[place])
        if place in flushed.refused:
            return Outcome.REFUSED
        return Outcome.IN_DOUBT if place in flushed.in_doubt else Outcome.TAKEN
    if trigger_id in flushed.gone:
        return Outcome.GONE
    if trigger_id in flushed.ended:
        return Outcome.ENDED if arrival.generation == flushed.ended[trigger_id] else None
    return Outcome.PAUSED if trigger_id in flushed.paused else None


def _taken(arrival: Arrival) -> Taken:
    return Taken(
        trigger_id=arrival.trigger_id, call_id=arrival.call_id, sender=arrival.sender, since_ns=arrival.since_ns
    )
