"""What is unfinished, counted for the metrics: each count along an index and to a limit, so that a million rows cost as ten
thousand.
"""

from dataclasses import dataclass

import asyncpg

MOST = 10_000

# Each count has an order to keep the planner on its index. Of runs that are due the oldest of each command is looked up, from
# one command to the next along the index.
COUNT = """
with recursive command as (
    (select r.command, r.due_at from trigger.run r
      where r.state = 'PENDING' and r.lease_id is null and r.due_at is not null
      order by r.command, r.due_at limit 1)
    union all
    select n.command, n.due_at
      from command c
     cross join lateral (
           select r.command, r.due_at from trigger.run r
            where r.state = 'PENDING' and r.lease_id is null and r.due_at is not null and r.command > c.command
            order by r.command, r.due_at limit 1) n
)
select (select count(*) from (select from trigger.window where state = 'OPEN' order by deadline_at limit $1) w) as windows_open,
       (select count(*) from (select from trigger.execution where state = 'PENDING' and finished_at is null
                               order by created_at limit $1) e) as pending,
       (select count(*) from (select from trigger.execution where state = 'RUNNING' and finished_at is null
                               order by created_at limit $1) e) as running,
       (select count(*) from (select from trigger.execution where queued_at is null and finished_at is null
                               order by target, execution_id limit $1) e) as held,
       coalesce((select extract(epoch from statement_timestamp() - e.created_at)
                   from (select created_at from trigger.execution where state = 'PENDING' and finished_at is null
                          order by created_at limit 1) e), 0)::float8 as oldest_pending_age,
       coalesce((select extract(epoch from statement_timestamp() - e.created_at)
                   from (select created_at from trigger.execution where state = 'RUNNING' and finished_at is null
                          order by created_at limit 1) e), 0)::float8 as oldest_running_age,
       (select count(*) from (select from trigger.run where state = 'PENDING' and lease_id is null and due_at is not null
                               order by command, due_at, run_id limit $1) r) as runs_due,
       coalesce((select extract(epoch from statement_timestamp() - min(c.due_at))
                   from (select due_at from command limit 1000) c), 0)::float8 as oldest_due_age
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Counts to MOST, of all pods; ages in seconds, 0 where there is none. What is held is pending, too."""

    windows_open: int
    pending: int
    running: int
    held: int
    oldest_pending_age: float
    oldest_running_age: float
    runs_due: int
    oldest_due_age: float


async def count(pool: asyncpg.Pool) -> Census:
    """Counts all of it in one statement."""
    row = await pool.fetchrow(COUNT, MOST)
    assert row is not None
    return Census(**dict(row))
