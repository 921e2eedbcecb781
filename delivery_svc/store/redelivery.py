"""Redelivery: a finished delivery goes back into the queue under its own id, in one statement.

The row that is taken away is the permit: of two that ask at once one deletes it, and the other finds nothing.
"""

import asyncpg

# The event is asked for because a claim of a row without one would never come back. Attempts go on counting.
REDELIVER = """
with gone as (
    delete from delivery.delivery d
     where d.id = $1 and d.account_id = $2 and not d.test
       and (select s.active and s.deleted_at is null from subscription.subscription s where s.id = d.subscription_id)
       and exists (select from delivery.event e
                    where e.event_id = d.event_id and e.published_at = d.published_at and e.erased_at is null)
    returning d.id, d.event_id, d.published_at, d.subscription_id, d.account_id, d.webhook_name, d.attempts
)
insert into delivery.queue
       (id, event_id, published_at, subscription_id, account_id, webhook_name, attempts, redelivery, due_at)
select g.id, g.event_id, g.published_at, g.subscription_id, g.account_id, g.webhook_name, g.attempts, g.attempts,
       clock_timestamp()
  from gone g
returning id, event_id, published_at, subscription_id, account_id, webhook_name, attempts, 'PENDING' as state, '' as reason,
          null::timestamptz as finished_at, false as test
"""

# Asked when nothing was taken: both tables in one snapshot, so that a delivery on its way between them is in one of them.
WHERE_IT_IS = """
select 'QUEUE' as place, false as test, true as sendable, false as erased
  from delivery.queue q
 where q.id = $1 and q.account_id = $2
union all
select 'LOG', d.test, s.active and s.deleted_at is null, e.erased_at is not null
  from delivery.delivery d
  join subscription.subscription s on s.id = d.subscription_id
  join delivery.event e on e.event_id = d.event_id and e.published_at = d.published_at
 where d.id = $1 and d.account_id = $2
"""


async def redeliver(pool: asyncpg.Pool, account_id: int, delivery_id: int) -> asyncpg.Record | None:
    """Puts the account's finished delivery back; its row as recent.by_id has it, None when nothing was put back."""
    return await pool.fetchrow(REDELIVER, delivery_id, account_id)


async def where_it_is(pool: asyncpg.Pool, account_id: int, delivery_id: int) -> asyncpg.Record | None:
    """Where a delivery stands that was not put back: `place` QUEUE or LOG, `test`, `sendable`, `erased`. None: the account has
    none."""
    return await pool.fetchrow(WHERE_IT_IS, delivery_id, account_id)
