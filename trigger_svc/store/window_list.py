"""Windows and their calls as their account looks into them."""

from dataclasses import dataclass, field
from datetime import date, datetime

import asyncpg


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWindow:
    """A window as it is read. It holds the calls of its trigger from `first_seq` on, `size` of them so far."""

    trigger_id: int
    window_id: int
    state: str
    first_seq: int
    size: int
    threshold: int
    opened_at: datetime
    deadline_at: datetime
    closed_at: datetime | None
    close_reason: str | None


# Compared as rows, so that only window_trigger gives this order and not the key of all windows.
LIST_WINDOWS = """
select w.trigger_id, w.window_id, w.state, w.first_seq, coalesce(w.size, h.window_count) as size, w.threshold, w.opened_at,
       w.deadline_at, w.closed_at, w.close_reason
  from trigger.window w join trigger.head h on h.trigger_id = w.trigger_id
 where (w.trigger_id, w.window_id) > ($1, 0) and (w.trigger_id, w.window_id) < ($1, $2)
 order by w.trigger_id desc, w.window_id desc
 limit $3
"""


async def newest(pool: asyncpg.Pool, trigger_id: int, *, below: int, most: int) -> list[StoredWindow]:
    """A trigger's windows with ids below `below`, newest first."""
    return [StoredWindow(**row) for row in await pool.fetch(LIST_WINDOWS, trigger_id, below, most)]


FIND_WINDOW = """
select w.trigger_id, w.window_id, w.state, w.first_seq, coalesce(w.size, h.window_count) as size, w.threshold, w.opened_at,
       w.deadline_at, w.closed_at, w.close_reason
  from trigger.window w join trigger.head h on h.trigger_id = w.trigger_id
 where w.window_id = $2 and w.trigger_id = $1
"""


async def find(pool: asyncpg.Pool, trigger_id: int, window_id: int) -> StoredWindow | None:
    """A window of the trigger."""
    row = await pool.fetchrow(FIND_WINDOW, trigger_id, window_id)
    return None if row is None else StoredWindow(**row)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCall:
    """A call as it was taken; `body` is None where it was not asked for."""

    call_id: str
    seq: int
    window_id: int
    media_type: str
    size_bytes: int
    received_at: datetime
    body: bytes | None = field(default=None, repr=False)


LIST_CALLS = """
select c.call_id, c.seq, c.window_id, c.media_type, octet_length(c.body) as size_bytes, c.received_at
  from trigger.call c
 where c.received_day between $1 and $2 and c.trigger_id = $3 and c.seq > $4 and c.seq < $5
 order by c.seq
 limit $6
"""
READ_BODIES = """
select c.seq, c.body
  from trigger.call c
 where c.received_day between $1 and $2 and c.trigger_id = $3 and c.seq between $4 and $5
"""


async def calls(pool: asyncpg.Pool, window: StoredWindow, *, above: int, most: int) -> list[StoredCall]:
    """Calls of a window behind the one numbered `above`, in their order, without their bodies."""
    above, end = max(above, window.first_seq - 1), window.first_seq + window.size
    rows = await pool.fetch(LIST_CALLS, *_days(window), window.trigger_id, above, end, most)
    return [StoredCall(**row) for row in rows]


async def bodies(pool: asyncpg.Pool, window: StoredWindow, first: int, last: int) -> dict[int, bytes]:
    """The bodies of the calls with these numbers and between them, by number."""
    rows = await pool.fetch(READ_BODIES, *_days(window), window.trigger_id, first, last)
    return {row["seq"]: row["body"] for row in rows}


def _days(window: StoredWindow) -> tuple[date, date]:
    """The days in UTC that its calls may lie in: no window takes a call at its deadline or later."""
    return window.opened_at.date(), (window.closed_at or window.deadline_at).date()
