"""Accepted calls, read in the order in which they stand in their window."""

from dataclasses import dataclass
from datetime import date

import asyncpg

from trigger_svc.run import Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The calls of one window: a trigger's from `first_seq` on, `size` of them, and the days they may lie in."""

    trigger_id: int
    first_seq: int
    size: int
    first_day: date
    last_day: date


PAYLOAD_RANGE = """
select w.trigger_id, w.first_seq, w.size, (w.opened_at at time zone 'UTC')::date as first_day,
       (w.closed_at at time zone 'UTC')::date as last_day
  from trigger.run r
  join trigger.execution e on e.execution_id = r.execution_id
  join trigger.window w on w.window_id = e.window_id
 where r.run_id = $1 and r.lease_id = $2 and r.finished_at is null and ($3::bigint is null or r.account_id = $3)
"""


async def range_of(pool: asyncpg.Pool, lease: Lease) -> Range | None:
    """Where the payload of a run is; None unless the lease is the run's and it has one."""
    row = await pool.fetchrow(PAYLOAD_RANGE, lease.run_id, lease.lease_id, lease.account_id)
    return None if row is None else Range(**row)


READ_CALLS = """
select media_type, body
  from trigger.call
 where received_day between $1 and $2 and trigger_id = $3 and seq >= $4 and seq < $5
 order by seq
"""


async def read(pool: asyncpg.Pool, within: Range, *, offset: int, count: int) -> list[tuple[str, bytes]]:
    """Media type and body of `count` calls of the range from `offset` on; fewer at its end."""
    first = within.first_seq + offset
    last = min(first + count, within.first_seq + within.size)
    rows = await pool.fetch(READ_CALLS, within.first_day, within.last_day, within.trigger_id, first, last)
    return [(row["media_type"], row["body"]) for row in rows]
