"""Heads: where a trigger's calls queue up. A flush is one function call, so that no lock waits for a pod."""

from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_svc.store.window import Closed, closed_of
from trigger_svc.trigger import NewTrigger

T = TypeVar("T")

INSERT_HEAD = """
insert into trigger.head (trigger_id, account_id, threshold, duration_seconds, max_bytes) values ($1, $2, $3, $4, $5)
"""


async def insert(connection: PoolConnectionProxy, trigger_id: int, trigger: NewTrigger, *, max_bytes: int) -> None:
    """Makes a trigger's head, enabled and without a window."""
    await connection.execute(
        INSERT_HEAD,
        trigger_id,
        trigger.account_id,
        trigger.threshold,
        int(trigger.duration_seconds),
        max_bytes,
    )


@dataclass(slots=True, kw_only=True)
class Flush:
    """The calls of one flush in columns. Triggers ascend; those of a trigger stand together, from 1 on."""

    group_id: UUID
    trigger_ids: list[int] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    generations: list[int] = field(default_factory=list)  # of the oldest token by which they came
    call_ids: list[str] = field(default_factory=list)
    media_types: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    # By place, from 1: what few calls have. By trigger: those that are asked about more than whether they are there.
    data_modes: dict[int, str] = field(default_factory=dict)
    dedupe_keys: dict[int, bytes] = field(default_factory=dict)
    pausing: set[int] = field(default_factory=set)
    rejecting: set[int] = field(default_factory=set)

    def add(self, trigger_id: int, call_id: str, media_type: str, body: bytes, size: int, *, generation: int) -> None:
        """Puts a call at the end; its trigger is the last one or a greater one."""
        self.call_ids.append(call_id)
        self.media_types.append(media_type)
        self.bodies.append(body)
        self.sizes.append(size)
        if self.trigger_ids and self.trigger_ids[-1] == trigger_id:
            self.counts[-1] += 1
            self.generations[-1] = min(self.generations[-1], generation)
            return
        self.trigger_ids.append(trigger_id)
        self.firsts.append(len(self.call_ids))
        self.counts.append(1)
        self.generations.append(generation)

    @property
    def most_windows(self) -> int:
        """How many windows may close in it."""
        return len(self.call_ids) + len(self.trigger_ids)


@dataclass(slots=True, kw_only=True)
class Flushed:
    """What became of a flush: triggers taken, not there or disabled, or paused. The others were passed over.

    Of an ended one nothing is in because the oldest token by which its calls came, of this generation, counts no more.
    Of the taken ones' calls some are not in, by their place in the flush: repeated ones with the first one's id, those that a
    full queue refused, and those of which only that is known.
    """

    taken: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    ended: dict[int, int] = field(default_factory=dict)
    paused: set[int] = field(default_factory=set)
    repeated: dict[int, str] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    in_doubt: set[int] = field(default_factory=set)
    closed: list[Closed] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)  # seconds until the deadline, of each window that is still open


# $5 says what it is: the function of the release before takes as many parameters.
RECEIVE_CALLS = """
select what, trigger_id, window_id, public_trigger_id, execution_id, reason, size, seconds, place, call_id
  from trigger.receive_calls($1, $2, $3, $4, $5::bigint[], $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""


async def receive(pool: asyncpg.Pool, flush: Flush, execution_ids: list[str], *, patient: bool) -> Flushed:
    """Commits a flush. `execution_ids` has flush.most_windows new ones; `patient` waits for heads that others hold.

    LockNotAvailableError: waited in vain, nothing is stored. DataError: a call is larger than its window may be.
    """
    rows = await pool.fetch(
        RECEIVE_CALLS,
        flush.group_id,
        flush.trigger_ids,
        flush.firsts,
        flush.counts,
        flush.generations,
        flush.call_ids,
        flush.media_types,
        flush.bodies,
        flush.sizes,
        _column(flush.data_modes, len(flush.call_ids)),
        _column(flush.dedupe_keys, len(flush.call_ids)),
        list(flush.pausing),
        list(flush.rejecting),
        execution_ids,
        patient,
        timeout=10,
    )
    return _flushed(rows, flush)


def _flushed(rows: list[asyncpg.Record], flush: Flush) -> Flushed:
    flushed = Flushed()
    for row in rows:
        match row["what"]:
            case "TAKEN":
                flushed.taken.add(row["trigger_id"])
            case "GONE":
                flushed.gone.add(row["trigger_id"])
            case "ENDED":
                flushed.ended[row["trigger_id"]] = flush.generations[flush.trigger_ids.index(row["trigger_id"])]
            case "CLOSED" | "FAILED":
                flushed.closed.append(closed_of(row))
            case "OPENED":
                flushed.opened.append(row["seconds"])
            case "PAUSED":
                flushed.paused.add(row["trigger_id"])
            case "DUPLICATE":
                flushed.repeated[row["place"]] = row["call_id"]
            case "REFUSED":
                flushed.refused.add(row["place"])
    return flushed


def _column(values: dict[int, T], count: int) -> list[T | None] | None:
    """The values of `count` calls; None where no call has one."""
    return [values.get(place) for place in range(1, count + 1)] if values else None


NOTE_OLDEST_TOKEN = """
update trigger.head h
   set oldest_generation = k.generation, oldest_until = k.expires_at
  from (select t.generation, t.expires_at from trigger.token t where t.trigger_id = $1 order by t.generation limit 1) k
 where h.trigger_id = $1
"""


async def note_oldest_token(connection: PoolConnectionProxy, trigger_id: int) -> None:
    """Lets no token of a trigger count but those that it has now, each until it expires, whatever pods remember."""
    await connection.execute(NOTE_OLDEST_TOKEN, trigger_id)


FIND_GROUP = "select taken, left_out from trigger.ingest_group where group_id = $1"


async def find_group(pool: asyncpg.Pool, group_id: UUID) -> Flushed | None:
    """The triggers whose calls a flush committed, but for those left out; None when it is not known to have committed."""
    row = await pool.fetchrow(FIND_GROUP, group_id, timeout=2)
    return None if row is None else Flushed(taken=set(row["taken"]), in_doubt=set(row["left_out"] or ()))


PRUNE_GROUPS = """
delete from trigger.ingest_group
 where group_id = any(array(select group_id from trigger.ingest_group
                             where committed_at < now() - make_interval(secs => $1) limit $2))
"""


async def prune_groups(pool: asyncpg.Pool, *, older_than_seconds: float, most: int) -> int:
    """Forgets flushes that nobody can ask for any more; how many."""
    status: str = await pool.execute(PRUNE_GROUPS, older_than_seconds, most)
    return int(status.rpartition(" ")[2])
