"""Windows: read, and closed when their deadline has come. What cuts them is in head.py's function."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A window that this pod's transaction closed. `late_seconds` is counted from its deadline: below 0 before it."""

    trigger_id: str
    window_id: int
    execution_id: str
    reason: str
    size: int
    late_seconds: float


def closed_of(row: asyncpg.Record) -> Closed:
    """A CLOSED row of the functions that close windows."""
    return Closed(
        trigger_id=row["public_trigger_id"],
        window_id=row["window_id"],
        execution_id=row["execution_id"],
        reason=row["reason"],
        size=row["size"],
        late_seconds=row["seconds"],
    )


CLOSE_EXPIRED = """
select what, trigger_id, window_id, public_trigger_id, execution_id, reason, size, seconds
  from trigger.close_expired($1, $2)
"""


async def close_expired(pool: asyncpg.Pool, execution_ids: list[str]) -> list[Closed]:
    """Closes windows whose deadline has come, at most as many as there are new execution ids."""
    rows = await pool.fetch(CLOSE_EXPIRED, len(execution_ids), execution_ids)
    return [closed_of(row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWindow:
    """A window as it is read; `size` counts what it holds so far."""

    window_id: int
    state: str
    size: int
    threshold: int
    opened_at: datetime
    deadline_at: datetime
    closed_at: datetime | None
    close_reason: str | None


# Compared as rows, so that only window_trigger gives this order and not the key of all windows.
NEWEST_WINDOW = """
select w.window_id, w.state, coalesce(w.size, h.window_count) as size, w.threshold, w.opened_at, w.deadline_at,
       w.closed_at, w.close_reason
  from trigger.window w join trigger.head h on h.trigger_id = w.trigger_id
 where (w.trigger_id, w.window_id) >= ($1, 0) and (w.trigger_id, w.window_id) < ($1 + 1, 0)
 order by w.trigger_id desc, w.window_id desc
 limit 1
"""


async def newest(pool: asyncpg.Pool, trigger_id: int) -> StoredWindow | None:
    """A trigger's newest window; None before its first call."""
    row = await pool.fetchrow(NEWEST_WINDOW, trigger_id)
    return None if row is None else StoredWindow(**row)
