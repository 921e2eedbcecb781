"""The queue of unfinished deliveries: claiming what is free and due, freeing what dead pods held."""

from datetime import datetime

import asyncpg

# `id = any(array(...))` keeps the index where a join would hash the whole table; nothing due costs one buffer.
# statement_timestamp(), since the clock's own time is another at every row, and all that is due later would be walked over.
CLAIM = """
with claimed as (
    update delivery.queue set lease_id = $1
     where id = any (array(
           select id from delivery.queue
            where lease_id is null and not parked and due_at <= statement_timestamp()
              and due_at >= coalesce($3::timestamptz, '-infinity')
            order by due_at limit $2 for update skip locked))
    returning id, event_id, published_at, subscription_id, webhook_name, attempts, redelivery, due_at
)
select c.id, c.event_id, c.subscription_id, c.webhook_name, c.attempts, c.redelivery, c.due_at, s.version,
       (extract(epoch from c.published_at) * 1000000)::bigint as published_us,
       e.account_id, e.event_type, e.job_id, e.event_time_ns, e.data, e.traceparent
  from claimed c
  join delivery.event e on e.event_id = c.event_id and e.published_at = c.published_at
  join subscription.subscription s on s.id = c.subscription_id
 order by c.due_at
"""

# Rows of dead epochs have no index of their own (every born-leased row would pay for it): this walks the queue, only while
# a dead pod is being buried.
RESCUE = """
update delivery.queue set lease_id = null, due_at = least(due_at, clock_timestamp())
 where lease_id is not null and lease_id in (select epoch from delivery.pod where dead_at is not null)
"""

# A publish or claim whose commit was of unknown outcome may have leased rows that this pod does not hold.
RECONCILE = """
update delivery.queue set lease_id = null, due_at = least(due_at, clock_timestamp())
 where lease_id = $1 and id <> all ($2::bigint[])
"""


async def claim(pool: asyncpg.Pool, epoch: int, limit: int, since: datetime | None) -> list[asyncpg.Record]:
    """Leases up to `limit` free due rows to the epoch, oldest first, each with its event and its subscription's version.

    Those that were due before `since` are not looked at; None stands for all.
    """
    rows: list[asyncpg.Record] = await pool.fetch(CLAIM, epoch, limit, since)
    return rows


async def rescue(pool: asyncpg.Pool) -> int:
    """Frees the rows of dead epochs. Returns how many."""
    return _count(await pool.execute(RESCUE))


async def reconcile(pool: asyncpg.Pool, epoch: int, held: list[int]) -> int:
    """Frees rows leased to the epoch that are not among `held`. Returns how many."""
    return _count(await pool.execute(RECONCILE, epoch, held))


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
