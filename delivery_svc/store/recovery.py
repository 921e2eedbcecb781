"""Recoveries: their rows, and the batch that goes from the log of deliveries into the queue.

The cursor (published_at, id) stands in the row and moves in the batch's transaction: no restart moves anything twice or
leaves anything out. What failed again meanwhile lies behind the cursor and is left alone. Type and job of an event are in no
index, since every publish would pay for it: what is looked at is limited before it is asked for them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

import asyncpg

from delivery_svc.recovery import NewRecovery, Recovery

COUNT = """
select count(*) filter (where l.wanted)
  from (select (select e.erased_at is null and ($4::text is null or e.event_type = $4)
                       and ($5::bigint is null or e.job_id = $5)
                  from delivery.event e
                 where e.event_id = d.event_id and e.published_at = d.published_at) as wanted
          from delivery.delivery d
         where d.subscription_id = $1 and d.state <> 'SUCCEEDED' and not d.test
           and d.published_at >= $2 and d.published_at < $3 and d.finished_at >= $2
         order by d.published_at, d.id
         limit $6) l
"""

# One at a time per subscription: whoever else begins one waits here, and then sees it.
LOCK = "select pg_advisory_xact_lock(hashtextextended('delivery.recovery', $1))"

INSERT = """
insert into delivery.recovery (account_id, subscription_id, published_since, published_until, event_type, job_id, found)
select $1, $2, $3, $4, $5, $6, $7
 where not exists (select from delivery.recovery r where r.subscription_id = $2 and r.state = 'RUNNING')
returning recovery_id
"""

NOW = "select clock_timestamp()"

BY_ID = """
select r.recovery_id, r.account_id, s.public_id, r.state, r.published_since, r.published_until, r.event_type, r.found,
       r.job_id, r.requeued, r.created_at, r.finished_at
  from delivery.recovery r
  join subscription.subscription s on s.id = r.subscription_id
 where r.recovery_id = $1 and r.account_id = $2
"""

LIST = """
select r.recovery_id, r.account_id, s.public_id, r.state, r.published_since, r.published_until, r.event_type, r.found,
       r.job_id, r.requeued, r.created_at, r.finished_at
  from delivery.recovery r
  join subscription.subscription s on s.id = r.subscription_id
 where r.subscription_id = $1
 order by r.recovery_id desc
 limit $2
"""

CANCEL = """
update delivery.recovery set state = 'CANCELLED', finished_at = clock_timestamp()
 where recovery_id = $1 and account_id = $2 and state = 'RUNNING'
"""

# After the one that this pod looked at last, and around: a long one does not keep others waiting.
NEXT = """
select r.recovery_id, r.subscription_id, r.published_since, r.published_until, r.event_type, r.job_id,
       coalesce(r.after_published_at, r.published_since) as after_published_at, coalesce(r.after_id, 0) as after_id,
       (select s.active and s.deleted_at is null from subscription.subscription s where s.id = r.subscription_id) as sendable
  from delivery.recovery r
 where r.state = 'RUNNING'
   and (select count(*) from (select from delivery.queue q
                               where q.subscription_id = r.subscription_id and q.parked limit $2) p) < $2
 order by r.recovery_id <= $1, r.recovery_id
 limit 1 for update of r skip locked
"""

# What is not wanted, or is redelivered by hand at this moment, is looked at and not gone: it counts for the cursor alone.
MOVE = """
with looked_at as materialized (
    select d.id, d.published_at,
           (select e.erased_at is null and ($6::text is null or e.event_type = $6)
                   and ($7::bigint is null or e.job_id = $7)
              from delivery.event e
             where e.event_id = d.event_id and e.published_at = d.published_at) as wanted
      from delivery.delivery d
     where d.subscription_id = $1 and d.state <> 'SUCCEEDED' and not d.test
       and d.published_at >= $2 and d.published_at < $3 and d.finished_at >= $2 and (d.published_at, d.id) > ($4, $5)
     order by d.published_at, d.id
     limit $8
), gone as (
    delete from delivery.delivery d
     where d.id = any (array(select l.id from looked_at l where l.wanted)) and d.finished_at >= $2
    returning d.id, d.event_id, d.published_at, d.subscription_id, d.account_id, d.webhook_name, d.attempts
), queued as (
    insert into delivery.queue
           (id, event_id, published_at, subscription_id, account_id, webhook_name, attempts, redelivery, due_at, parked)
    select g.id, g.event_id, g.published_at, g.subscription_id, g.account_id, g.webhook_name, g.attempts, g.attempts,
           clock_timestamp(), true
      from gone g
     order by g.published_at, g.id
    returning subscription_id
), touched as (
    insert into delivery.lane as k (subscription_id, next_due_at)
    select q.subscription_id, clock_timestamp() from queued q group by q.subscription_id
    on conflict (subscription_id) do update
       set next_due_at = case when k.open_until is null then least(k.next_due_at, excluded.next_due_at)
                              else coalesce(k.next_due_at, greatest(k.open_until, excluded.next_due_at)) end
)
select (select count(*) from looked_at) as looked_at, (select count(*) from queued) as moved, l.published_at, l.id
  from (select 1) one
  left join (select l.published_at, l.id from looked_at l order by l.published_at desc, l.id desc limit 1) l on true
"""

# The last id is written twice, which tells the database that whoever moved the batch knows of jobs: see 0014_recovery_job.sql.
ADVANCE = """
update delivery.recovery
   set requeued = requeued + $2, after_published_at = coalesce($3, after_published_at), after_id = coalesce($4, after_id),
       after_id_by_job = coalesce($4, after_id_by_job),
       state = $5, finished_at = case when $5 = 'RUNNING' then null else clock_timestamp() end
 where recovery_id = $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much at once."""

    batch: int
    parked: int


async def count(pool: asyncpg.Pool, subscription_id: int, wish: NewRecovery, until: datetime, most: int) -> int:
    """How many there are to redeliver among the oldest `most` that are not SUCCEEDED."""
    wanted = (wish.event_type, wish.job_id)
    return cast(int, await pool.fetchval(COUNT, subscription_id, wish.published_after, until, *wanted, most))


async def now(pool: asyncpg.Pool) -> datetime:
    """The database's clock."""
    return cast(datetime, await pool.fetchval(NOW))


async def insert(
    pool: asyncpg.Pool, subscription_id: int, wish: NewRecovery, until: datetime, found: int
) -> int | None:
    """The id of a recovery that runs from now on; None while another one of the subscription does."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK, subscription_id)
        span = (wish.published_after, until, wish.event_type, wish.job_id)
        made: int | None = await connection.fetchval(INSERT, wish.account_id, subscription_id, *span, found)
        return made


async def by_id(pool: asyncpg.Pool, account_id: int, recovery_id: int) -> Recovery | None:
    """One of the account's."""
    row = await pool.fetchrow(BY_ID, recovery_id, account_id)
    return None if row is None else _recovery(row)


async def newest(pool: asyncpg.Pool, subscription_id: int, most: int) -> list[Recovery]:
    """A subscription's, newest first."""
    return [_recovery(row) for row in await pool.fetch(LIST, subscription_id, most)]


async def cancel(pool: asyncpg.Pool, account_id: int, recovery_id: int) -> None:
    """Ends one that runs; waits for the batch under way."""
    await pool.execute(CANCEL, recovery_id, account_id)


async def step(pool: asyncpg.Pool, after: int, limits: Limits) -> tuple[int, int] | None:
    """Moves one batch of the next recovery after that id (and around) that is not locked and has room.

    Its id and how many it moved; None when there is none. A recovery whose subscription is sent nothing ends CANCELLED.
    """
    async with pool.acquire() as connection, connection.transaction():
        running = await connection.fetchrow(NEXT, after, limits.parked)
        if running is None:
            return None
        if not running["sendable"]:
            await connection.execute(ADVANCE, running["recovery_id"], 0, None, None, "CANCELLED")
            return running["recovery_id"], 0
        moved = await connection.fetchrow(MOVE, *_span(running), limits.batch)
        assert moved is not None
        state = "RUNNING" if moved["looked_at"] == limits.batch else "FINISHED"
        await connection.execute(
            ADVANCE, running["recovery_id"], moved["moved"], moved["published_at"], moved["id"], state
        )
        return running["recovery_id"], moved["moved"]


def _span(running: asyncpg.Record) -> tuple[object, ...]:
    return (
        running["subscription_id"],
        running["published_since"],
        running["published_until"],
        running["after_published_at"],
        running["after_id"],
        running["event_type"],
        running["job_id"],
    )


def _recovery(row: asyncpg.Record) -> Recovery:
    return Recovery(
        id=row["recovery_id"],
        account_id=row["account_id"],
        subscription_id=row["public_id"],
        state=row["state"],
        published_after=row["published_since"],
        published_before=row["published_until"],
        event_type=row["event_type"],
        job_id=row["job_id"],
        found=row["found"],
        requeued=row["requeued"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
    )
