"""Accepted calls, read in the order in which they stand in their window."""

from dataclasses import dataclass
from datetime import date

import asyncpg


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The calls of one window: a trigger's from `first_seq` on, `size` of them, and the days they may lie in."""

    trigger_id: int
    first_seq: int
    size: int
    first_day: date
    last_day: date


READ_CALLS = """
select media_type, body, coalesce(data_mode, 'string') as data_mode
  from trigger.call
 where received_day between $1 and $2 and trigger_id = $3 and seq >= $4 and seq < $5
 order by seq
"""


async def read(pool: asyncpg.Pool, within: Range, *, offset: int, count: int) -> list[tuple[str, bytes, str]]:
    """Media type, body and data mode of `count` calls of the range from `offset` on; fewer at its end."""
    first = within.first_seq + offset
    last = min(first + count, within.first_seq + within.size)
    rows = await pool.fetch(READ_CALLS, within.first_day, within.last_day, within.trigger_id, first, last)
    return [(row["media_type"], row["body"], row["data_mode"]) for row in rows]
