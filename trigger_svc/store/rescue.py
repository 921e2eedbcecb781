"""Runs whose lease ran out, and finished ones whose artifacts did not come in time.

The time is read first and given as a parameter: an index takes no volatile call.
"""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

READ_TIME = "select clock_timestamp()"


async def read_time(pool: asyncpg.Pool) -> datetime:
    """The database's time."""
    now: datetime = await pool.fetchval(READ_TIME)
    return now


FREE_UNSTARTED = """
update trigger.run r
   set lease_id = null, lease_until = null
 where r.run_id = any(array(
           select x.run_id from trigger.run x
            where x.lease_until <= $1 and x.state = 'PENDING'
            order by x.lease_until
            limit $2
              for no key update skip locked))
returning r.run_id
"""


async def free_unstarted(pool: asyncpg.Pool, now: datetime, *, most: int) -> list[int]:
    """Frees runs that were acquired and not started in time; they keep their place in the line."""
    return [row["run_id"] for row in await pool.fetch(FREE_UNSTARTED, now, most)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A started run whose lease ran out."""

    run_id: int
    lease_id: int
    attempts: int
    max_attempts: int


FIND_LOST = """
select run_id, lease_id, attempts, max_attempts
  from trigger.run
 where lease_until <= $1 and state = 'RUNNING'
 order by lease_until
 limit $2
"""


async def find_lost(pool: asyncpg.Pool, now: datetime, *, most: int) -> list[Lost]:
    """Started runs whose runner went silent; who acts on one checks its lease again under a lock."""
    return [Lost(**row) for row in await pool.fetch(FIND_LOST, now, most)]


PUT_BACK = """
update trigger.run
   set state = 'PENDING', due_at = clock_timestamp(), lease_id = null, lease_until = null, started_at = null
 where run_id = $1 and lease_id = $2 and state = 'RUNNING' and lease_until <= $3
returning run_id
"""


async def put_back(pool: asyncpg.Pool, lost: Lost, now: datetime) -> bool:
    """Lets a lost run be taken again; False when its lease was kept meanwhile."""
    return await pool.fetchval(PUT_BACK, lost.run_id, lost.lease_id, now) is not None


FIND_TIMED_OUT = """
select e.execution_id
  from trigger.execution e
 where e.deadline_at <= $1 and e.deadline_at is not null and e.finished_at is null
 order by e.deadline_at
 limit $2
"""
TIME_OUT_PLAN = "select trigger.time_out_plan($1)"


async def find_timed_out(pool: asyncpg.Pool, now: datetime, *, most: int) -> list[int]:
    """Executions of plans whose time is over; who acts on one looks again under its lock."""
    return [row["execution_id"] for row in await pool.fetch(FIND_TIMED_OUT, now, most)]


async def time_out_plan(pool: asyncpg.Pool, execution_id: int) -> bool:
    """Ends what still runs of it and goes on to its failure handler; False when it ended meanwhile."""
    timed_out: bool = await pool.fetchval(TIME_OUT_PLAN, execution_id)
    return timed_out


# Each target once, from one to the next along the index, however many of its executions are held.
FIND_HELD = """
with recursive held as (
    (select e.target from trigger.execution e
      where e.queued_at is null and e.finished_at is null
      order by e.target limit 1)
    union all
    select n.target
      from held h
     cross join lateral (
           select e.target from trigger.execution e
            where e.queued_at is null and e.finished_at is null and e.target > h.target
            order by e.target limit 1) n
)
select target from held limit $1
"""
ADMIT_HELD = "select trigger.admit_held($1)"


async def find_held(pool: asyncpg.Pool, *, most: int) -> list[int]:
    """Tasks and plans (as negative numbers) of which executions are held for want of room."""
    return [row["target"] for row in await pool.fetch(FIND_HELD, most)]


async def admit_held(pool: asyncpg.Pool, target: int) -> bool:
    """Lets its held executions in as far as there is room; whether a run became free."""
    freed: bool = await pool.fetchval(ADMIT_HELD, target)
    return freed


GIVE_UP_ARTIFACTS = """
with due as (
    select x.run_id from trigger.run x
     where x.artifacts_due_at <= $1
     order by x.artifacts_due_at
     limit $2
       for no key update skip locked
), over as (
    update trigger.run r set artifacts_due_at = null from due where r.run_id = due.run_id
    returning r.run_id, r.state, r.message, r.started_at, r.finished_at
)
insert into trigger.outbox (run_id, event_type, event_at, run_state, message, started_at, finished_at)
select run_id, 'job.run.completed', clock_timestamp(), state, message, started_at, finished_at from over
on conflict (run_id, event_type) do nothing
returning run_id
"""


async def give_up_artifacts(pool: asyncpg.Pool, now: datetime, *, most: int) -> list[int]:
    """Announces the completion of runs that have waited long enough for their artifacts."""
    return [row["run_id"] for row in await pool.fetch(GIVE_UP_ARTIFACTS, now, most)]
