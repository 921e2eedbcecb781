"""What a trace is told of windows, calls and runs, after they were committed. Read only, and only while traces are on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import asyncpg

# A flush's calls are the newest of their triggers, or nearly so: their place is found along the key, not their id. Of each
# trigger only so many are looked at as it had in the flush, and those that came since.
WINDOWS_OF_CALLS = """
select c.call_id, c.window_id, g.public_id as trigger_id
  from unnest($1::bigint[], $3::int[]) as n (trigger_id, most)
  join trigger.trigger g on g.trigger_id = n.trigger_id
 cross join lateral (
       select x.call_id, x.window_id
         from trigger.call x
        where x.trigger_id = n.trigger_id
          and x.received_day between (now() at time zone 'UTC')::date - 1 and (now() at time zone 'UTC')::date
        order by x.received_day desc, x.seq desc
        limit n.most) c
 where c.call_id = any($2::text[])
"""


async def windows_of_calls(
    pool: asyncpg.Pool, most: Mapping[int, int], call_ids: list[str]
) -> dict[str, tuple[str, int]]:
    """Public trigger id and window by call id, of calls among the newest of their triggers: so many of each as `most` says."""
    rows = await pool.fetch(WINDOWS_OF_CALLS, list(most), call_ids, list(most.values()), timeout=5)
    return {row["call_id"]: (row["trigger_id"], row["window_id"]) for row in rows}


OPENED_AT = "select window_id, opened_at, closed_at from trigger.window where window_id = any($1::bigint[])"


async def spans_of_windows(pool: asyncpg.Pool, window_ids: list[int]) -> dict[int, tuple[datetime, datetime]]:
    """When windows that are closed were opened and closed."""
    rows = await pool.fetch(OPENED_AT, window_ids, timeout=5)
    return {row["window_id"]: (row["opened_at"], row["closed_at"]) for row in rows if row["closed_at"] is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Travelled:
    """A run and what it came from; `trigger_id` (the public one) and `window_id` are None where no window was."""

    run_id: int
    account_id: int
    task_id: int
    execution_id: str
    execution_created_at: datetime
    trigger_id: str | None
    window_id: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


TRAVELLED = """
select r.run_id, r.account_id, r.task_id, e.public_id as execution_id, e.created_at as execution_created_at,
       g.public_id as trigger_id, e.window_id, r.created_at, r.started_at, r.finished_at
  from trigger.run r
  join trigger.execution e on e.execution_id = r.execution_id
  left join trigger.trigger g on g.trigger_id = e.trigger_id
 where r.run_id = any($1::bigint[])
"""


async def travelled(pool: asyncpg.Pool, run_ids: list[int]) -> list[Travelled]:
    """These runs, as far as they are known."""
    return [Travelled(**row) for row in await pool.fetch(TRAVELLED, run_ids, timeout=5)]
