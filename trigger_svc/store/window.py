"""Windows, closed when their deadline has come. What cuts them is in head.py's function, what reads them in window_list.py."""

from dataclasses import dataclass

import asyncpg


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A window that this pod's transaction closed. `late_seconds` is counted from its deadline: below 0 before it.

    `failed`: its execution could not begin, and was FAILED when it was made.
    """

    trigger_id: str
    window_id: int
    execution_id: str
    reason: str
    size: int
    late_seconds: float
    failed: bool = False


def closed_of(row: asyncpg.Record) -> Closed:
    """A CLOSED or FAILED row of the functions that close windows."""
    return Closed(
        trigger_id=row["public_trigger_id"],
        window_id=row["window_id"],
        execution_id=row["execution_id"],
        reason=row["reason"],
        size=row["size"],
        late_seconds=row["seconds"],
        failed=row["what"] == "FAILED",
    )


CLOSE_EXPIRED = """
select what, trigger_id, window_id, public_trigger_id, execution_id, reason, size, seconds
  from trigger.close_expired($1, $2)
"""


async def close_expired(pool: asyncpg.Pool, execution_ids: list[str]) -> list[Closed]:
    """Closes windows whose deadline has come, at most as many as there are new execution ids."""
    rows = await pool.fetch(CLOSE_EXPIRED, len(execution_ids), execution_ids)
    return [closed_of(row) for row in rows]
