"""What an account's overview is made of. Every statement is bounded, whatever the log, the queue or another account holds: it
walks an index from the newest or the most urgent end, to a limit.

Whose subscriptions they are is a declared read of another owner's table.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from delivery_svc.overview import MOST_DUE, MOST_PODS, MOST_SUBSCRIPTIONS

SUBSCRIPTIONS = """
select s.id, s.public_id, s.name, s.deactivate_reason, coalesce(k.last_status_code, 0) as last_status_code,
       k.last_attempt_at, k.open_until, k.failing_since, case when not s.active then s.updated_at end as inactive_since
  from subscription.subscription s
  left join delivery.lane k on k.subscription_id = s.id
 where s.account_id = $1 and s.deleted_at is null
 order by s.id
 limit $2
"""

# What some leave of their shares goes to those that have more. Where the share of one ends it would be missing: all count from
# there on.
SLICES = """
with counted as materialized (
    select s.id, c.found
      from unnest($1::bigint[]) as s(id)
     cross join lateral (
           select count(*) as found
             from (select from delivery.delivery d
                    where d.subscription_id = s.id and d.published_at >= $2 and d.finished_at >= $2 and d.finished_at < $3
                    order by d.published_at desc, d.id desc
                    limit $4) f) c
), given as materialized (
    select c.id, case when c.found < $4 then c.found + 1
                      else $4 + greatest(0, $5::int - sum(c.found) over ())::int / count(*) filter (where c.found >= $4) over ()
                 end as share
      from counted c
), newest as materialized (
    select d.id, d.subscription_id, d.published_at, d.state, g.share
      from given g
     cross join lateral (
           select d.id, d.subscription_id, d.published_at, d.state
             from delivery.delivery d
            where d.subscription_id = g.id and d.published_at >= $2 and d.finished_at >= $2 and d.finished_at < $3
            order by d.published_at desc, d.id desc
            limit g.share) d
), known as materialized (
    select coalesce(max(o.oldest), $2) as since, max(o.oldest) is null as whole
      from (select min(n.published_at) as oldest from newest n group by n.subscription_id, n.share having count(*) >= n.share) o
), wide as materialized (
    select k.since, k.whole,
           (select min(w.seconds) from unnest($6::int[]) as w(seconds)
             where w.seconds >= extract(epoch from $3 - k.since) / 60 or w.seconds = 60) as seconds
      from known k
), told as (
    select date_bin(make_interval(secs => w.seconds), n.published_at, timestamptz 'epoch') as start, n.state, a.duration_us
      from newest n
      join wide w on n.published_at >= w.since
      left join lateral (
           select case when t.status_code > 0 then t.duration_us end as duration_us
             from delivery.attempt t
            where t.delivery_id = n.id and t.attempted_at >= $2::timestamptz - interval '1 hour' and t.attempted_at < $3
            order by t.id desc
            limit 1) a on true
), told_of as (
    select t.start, count(*) filter (where t.state = 'SUCCEEDED') as succeeded,
           count(*) filter (where t.state = 'FAILED') as failed, count(*) filter (where t.state = 'CANCELLED') as cancelled,
           percentile_disc(0.5) within group (order by t.duration_us) as p50_us,
           percentile_disc(0.95) within group (order by t.duration_us) as p95_us
      from told t
     group by grouping sets ((t.start), ())
)
select w.since, w.whole, w.seconds, c.start, c.succeeded, c.failed, c.cancelled, c.p50_us, c.p95_us
  from wide w
 cross join told_of c
 order by c.start nulls first
"""

LOSSES = """
with newest as materialized (
    select d.id, d.subscription_id, d.event_id, d.published_at, d.finished_at, d.state, d.reason, d.attempts, d.test
      from unnest($1::bigint[]) as s(id)
     cross join lateral (
           select d.id, d.subscription_id, d.event_id, d.published_at, d.finished_at, d.state, d.reason, d.attempts, d.test
             from delivery.delivery d
            where d.subscription_id = s.id and d.state <> 'SUCCEEDED'
              and d.published_at >= $2 and d.finished_at >= $2 and d.finished_at < $3
            order by d.published_at desc, d.id desc
            limit $4) d
     order by d.published_at desc, d.id desc
     limit $4
)
select n.id, n.subscription_id, n.event_id, n.published_at, n.finished_at, n.state, n.reason, n.attempts, n.test,
       (select e.event_type from delivery.event e
         where e.event_id = n.event_id and e.published_at = n.published_at) as event_type,
       coalesce(a.status_code, 0) as status_code, coalesce(a.detail, '') as detail
  from newest n
  left join lateral (
       select t.status_code, t.detail
         from delivery.attempt t
        where t.delivery_id = n.id and t.attempted_at >= $2::timestamptz - interval '1 hour' and t.attempted_at < $3
        order by t.id desc
        limit 1) a on true
 order by n.published_at desc, n.id desc
"""

# A clock that stands still within a statement, since with clock_timestamp() the indexes would be walked to their ends.
DUE = """
select f.due + p.due as due, least(f.oldest, o.oldest) as oldest
  from (select count(*) filter (where q.account_id = $1) as due, min(q.due_at) filter (where q.account_id = $1) as oldest
          from (select q.account_id, q.due_at from delivery.queue q
                 where q.lease_id is null and not q.parked and q.due_at <= statement_timestamp()
                 order by q.due_at limit $3) q) f
 cross join (select count(*) as due
               from (select from unnest($2::bigint[]) as s(id)
                      cross join lateral (
                            select from delivery.queue q
                             where q.subscription_id = s.id and q.parked and q.due_at <= statement_timestamp()
                             order by q.due_at limit $3) q
                      limit $3) q) p
 cross join (select min(q.due_at) as oldest
               from unnest($2::bigint[]) as s(id)
              cross join lateral (
                    select q.due_at from delivery.queue q
                     where q.subscription_id = s.id and q.parked and q.due_at <= statement_timestamp()
                     order by q.due_at limit 1) q) o
"""

PODS = "select name, started_at, heartbeat_at from delivery.pod where dead_at is null order by started_at limit $1"
NOW = "select clock_timestamp()"
Rows = list[asyncpg.Record]


async def now(pool: asyncpg.Pool) -> datetime:
    """The database's time."""
    moment: datetime = await pool.fetchval(NOW)
    return moment


async def subscriptions(pool: asyncpg.Pool, account_id: int) -> Rows:
    """The account's subscriptions that are not deleted, in the order of their making, with the health of their endpoints."""
    rows: Rows = await pool.fetch(SUBSCRIPTIONS, account_id, MOST_SUBSCRIPTIONS)
    return rows


async def slices(
    pool: asyncpg.Pool,
    subscription_ids: Sequence[int],
    since: datetime,
    until: datetime,
    share: int,
    most: int,
    widths: Sequence[int],
) -> Rows:
    """What became of the newest deliveries of these, published at `since` or later: `share` of each, more as `most` allow.

    The total first, whose `start` is None, then slices, as many seconds long as the least of `widths` that makes at most 60 of
    them, or 60.
    """
    rows: Rows = await pool.fetch(SLICES, subscription_ids, since, until, share, most, widths)
    return rows


async def losses(
    pool: asyncpg.Pool, subscription_ids: Sequence[int], since: datetime, until: datetime, most: int
) -> Rows:
    """Those of these that FAILED or were CANCELLED, published at `since` or later, newest first, with their last attempt."""
    rows: Rows = await pool.fetch(LOSSES, subscription_ids, since, until, most)
    return rows


async def due(pool: asyncpg.Pool, account_id: int, subscription_ids: Sequence[int]) -> tuple[int, datetime | None]:
    """How many of the account's deliveries wait although they are due, counted to a limit, and since when the first does.

    What any pod may claim counts as far as it is among the most urgent of all accounts.
    """
    row = await pool.fetchrow(DUE, account_id, subscription_ids, MOST_DUE)
    assert row is not None
    return min(row["due"], MOST_DUE), row["oldest"]


async def pods(pool: asyncpg.Pool) -> Rows:
    """Those that nobody has declared dead, the oldest first."""
    rows: Rows = await pool.fetch(PODS, MOST_PODS)
    return rows
