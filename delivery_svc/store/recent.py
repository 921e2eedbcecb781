"""Recent Deliveries: finished ones, and of the unfinished those that were tried, asked for again, or are parked.

Every list is read along an index from its newest end, so that its cost is that of the page, whatever the log holds. A
parked row that was never tried is due when it was published: the index over parked rows serves it.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

FINISHED = """
select d.id, d.event_id, d.published_at, d.subscription_id, d.account_id, d.webhook_name, d.attempts, d.state, d.reason,
       d.finished_at, d.test
  from delivery.delivery d
 where d.subscription_id = $1 and (d.published_at, d.id) < ($2, $3) and d.published_at >= $4 and d.finished_at >= $4
 order by d.published_at desc, d.id desc
 limit $5
"""

SUCCEEDED = """
select d.id, d.event_id, d.published_at, d.subscription_id, d.account_id, d.webhook_name, d.attempts, d.state, d.reason,
       d.finished_at, d.test
  from delivery.delivery d
 where d.subscription_id = $1 and (d.published_at, d.id) < ($2, $3) and d.published_at >= $4 and d.finished_at >= $4
   and d.state = 'SUCCEEDED'
 order by d.published_at desc, d.id desc
 limit $5
"""

NOT_SUCCEEDED = """
select d.id, d.event_id, d.published_at, d.subscription_id, d.account_id, d.webhook_name, d.attempts, d.state, d.reason,
       d.finished_at, d.test
  from delivery.delivery d
 where d.subscription_id = $1 and (d.published_at, d.id) < ($2, $3) and d.published_at >= $4 and d.finished_at >= $4
   and d.state <> 'SUCCEEDED' and d.state = $6
 order by d.published_at desc, d.id desc
 limit $5
"""

TRIED = """
select q.id, q.event_id, q.published_at, q.subscription_id, q.account_id, q.webhook_name, q.attempts,
       case when q.lease_id is null then 'PENDING' else 'DELIVERING' end as state, '' as reason,
       null::timestamptz as finished_at, false as test
  from delivery.queue q
 where q.subscription_id = $1 and (q.published_at, q.id) < ($2, $3) and q.published_at >= $4
   and (q.attempts > 0 or q.redelivery is not null)
   and ($6::text is null or (q.lease_id is null) = ($6 = 'PENDING'))
 order by q.published_at desc, q.id desc
 limit $5
"""

PARKED = """
select q.id, q.event_id, q.published_at, q.subscription_id, q.account_id, q.webhook_name, q.attempts, 'PENDING' as state,
       '' as reason, null::timestamptz as finished_at, false as test
  from delivery.queue q
 where q.subscription_id = $1 and q.parked and q.attempts = 0 and q.redelivery is null
   and q.due_at <= $2 and q.due_at >= $4
   and (q.published_at, q.id) < ($2, $3)
 order by q.due_at desc, q.id desc
 limit $5
"""

BY_ID = """
select q.id, q.event_id, q.published_at, q.subscription_id, q.account_id, q.webhook_name, q.attempts,
       case when q.lease_id is null then 'PENDING' else 'DELIVERING' end as state, '' as reason,
       null::timestamptz as finished_at, false as test
  from delivery.queue q
 where q.id = $1 and q.account_id = $2
union all
select d.id, d.event_id, d.published_at, d.subscription_id, d.account_id, d.webhook_name, d.attempts, d.state, d.reason,
       d.finished_at, d.test
  from delivery.delivery d
 where d.id = $1 and d.account_id = $2
"""

PUBLISHED_AT = "select published_at from delivery.event where event_id = $1 and account_id = $2"

BY_ENDS = """
select q.id, q.event_id, q.published_at, q.subscription_id, q.account_id, q.webhook_name, q.attempts,
       case when q.lease_id is null then 'PENDING' else 'DELIVERING' end as state, '' as reason,
       null::timestamptz as finished_at, false as test
  from delivery.queue q
 where q.subscription_id = $1 and q.published_at = $2 and q.event_id = $3 and (q.attempts > 0 or q.redelivery is not null)
union all
select q.id, q.event_id, q.published_at, q.subscription_id, q.account_id, q.webhook_name, q.attempts, 'PENDING', '',
       null, false
  from delivery.queue q
 where q.subscription_id = $1 and q.due_at = $2 and q.event_id = $3 and q.parked and q.attempts = 0
   and q.redelivery is null
union all
select d.id, d.event_id, d.published_at, d.subscription_id, d.account_id, d.webhook_name, d.attempts, d.state, d.reason,
       d.finished_at, d.test
  from delivery.delivery d
 where d.subscription_id = $1 and d.published_at = $2 and d.finished_at >= $2 and d.event_id = $3
"""

# An attempt is never older than its event, but for what the clocks of two Postgres reads may differ by.
EVENTS_AND_LAST_ATTEMPTS = """
select p.id, e.event_type, e.job_id, e.event_time_ns, e.account_id, e.data, e.erased_at,
       s.public_id as subscription_public_id, a.public_id as account_identifier,
       (select q.due_at from delivery.queue q where q.id = p.id and q.lease_id is null) as next_attempt_at,
       (select t.status_code from delivery.attempt t
         where t.delivery_id = p.id and t.attempted_at >= p.published_at - interval '1 hour'
         order by t.id desc limit 1) as last_status_code
  from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::bigint[])
       as p(id, event_id, published_at, subscription_id)
  join delivery.event e on e.event_id = p.event_id and e.published_at = p.published_at
  join subscription.subscription s on s.id = p.subscription_id
  join subscription.account a on a.account_id = e.account_id
"""

OF_KIND = """
select p.id
  from unnest($1::bigint[], $2::text[], $3::timestamptz[]) as p(id, event_id, published_at)
  join delivery.event e on e.event_id = p.event_id and e.published_at = p.published_at
 where ($4 = '' or e.event_type = $4) and ($5::bigint = 0 or e.job_id = $5::bigint)
"""

ATTEMPTS = """
select t.id, t.number, t.status_code, t.error, t.detail, t.duration_us, t.response_body, t.manual, t.response_headers,
       t.custom_names, t.phase, t.resolve_us, t.connect_us, t.tls_us,
       (extract(epoch from t.attempted_at) * 1000000)::bigint as began_us
  from delivery.attempt t
 where t.delivery_id = $1 and t.attempted_at >= $2::timestamptz - interval '1 hour'
 order by t.id
 limit $3
"""

COUNT = """
select (select count(*) from (select from delivery.delivery d where d.subscription_id = $1 limit $2) f)
     + (select count(*) from (select from delivery.queue q
                               where q.subscription_id = $1 and (q.attempts > 0 or q.redelivery is not null) limit $2) t)
     + (select count(*) from (select from delivery.queue q
                               where q.subscription_id = $1 and q.parked and q.attempts = 0 and q.redelivery is null
                               limit $2) p)
"""

UNFINISHED_STATES = ("PENDING", "DELIVERING")
Rows = list[asyncpg.Record]


async def page(
    pool: asyncpg.Pool,
    subscription_id: int,
    *,
    before: tuple[datetime, int],
    since: datetime,
    state: str | None,
    limit: int,
) -> Rows:
    """The newest deliveries before (published_at, id), published at `since` or later, in this state if one is named.

    Unfinished ones are read first: one that is finished in between is then there twice, and the finished row counts.
    """
    key = (subscription_id, *before, since, limit)
    rows: Rows = []
    if state is None or state in UNFINISHED_STATES:
        rows += await pool.fetch(TRIED, *key, state)
    if state is None or state == "PENDING":
        rows += await pool.fetch(PARKED, *key)
    if state is None:
        rows += await pool.fetch(FINISHED, *key)
    elif state == "SUCCEEDED":
        rows += await pool.fetch(SUCCEEDED, *key)
    elif state not in UNFINISHED_STATES:
        rows += await pool.fetch(NOT_SUCCEEDED, *key, state)
    once = {row["id"]: row for row in rows}
    return sorted(once.values(), key=lambda row: (row["published_at"], row["id"]), reverse=True)[:limit]


async def of_kind(pool: asyncpg.Pool, deliveries: Rows, *, event_type: str, job_id: int) -> Rows:
    """Those of these whose event is of that type and job; "" and 0 stand for any."""
    found = await pool.fetch(
        OF_KIND,
        [row["id"] for row in deliveries],
        [row["event_id"] for row in deliveries],
        [row["published_at"] for row in deliveries],
        event_type,
        job_id,
    )
    ids = {row["id"] for row in found}
    return [row for row in deliveries if row["id"] in ids]


async def count(pool: asyncpg.Pool, subscription_id: int, most: int) -> int:
    """How many the subscription has, counted up to `most`."""
    counted: int = await pool.fetchval(COUNT, subscription_id, most)
    return min(counted, most)


async def by_id(pool: asyncpg.Pool, account_id: int, delivery_id: int) -> asyncpg.Record | None:
    """One of the account's deliveries."""
    rows = await pool.fetch(BY_ID, delivery_id, account_id)
    return rows[-1] if rows else None


async def by_ends(pool: asyncpg.Pool, account_id: int, subscription_id: int, event_id: str) -> asyncpg.Record | None:
    """The delivery of an event to a subscription."""
    published_at = await pool.fetchval(PUBLISHED_AT, event_id, account_id)
    if published_at is None:
        return None
    rows = await pool.fetch(BY_ENDS, subscription_id, published_at, event_id)
    return rows[-1] if rows else None


async def details(pool: asyncpg.Pool, deliveries: Sequence[asyncpg.Record]) -> dict[int, asyncpg.Record]:
    """Event, public ids and the last attempt's status code of these, by id; without those whose event is gone."""
    rows = await pool.fetch(
        EVENTS_AND_LAST_ATTEMPTS,
        [row["id"] for row in deliveries],
        [row["event_id"] for row in deliveries],
        [row["published_at"] for row in deliveries],
        [row["subscription_id"] for row in deliveries],
    )
    return {row["id"]: row for row in rows}


async def attempts(pool: asyncpg.Pool, delivery_id: int, published_at: datetime, most: int) -> Rows:
    """The attempts of a delivery in the order in which they were made; times in microseconds since 1970."""
    rows: Rows = await pool.fetch(ATTEMPTS, delivery_id, published_at, most)
    return rows
