"""Lanes that have failed for too long: by what failed, and by what waits behind an open breaker and would have failed by now.

Whose they are is a declared read of another owner's tables. `version` is the one that failed: of a subscription that was
deactivated since, the version before.
"""

from dataclasses import dataclass
from datetime import timedelta

import asyncpg

FAILING = """
select k.subscription_id, s.public_id, s.account_id, s.name, k.consecutive_failures, k.failing_since, k.openings,
       case when s.active then s.version else s.version - 1 end as version, clock_timestamp() as now
  from delivery.lane k
  join subscription.subscription s on s.id = k.subscription_id
 where k.failing_since is not null
   and (k.consecutive_failures >= $1 or k.failing_since <= clock_timestamp() - $2::interval)
   and s.deleted_at is null
   and (s.active or s.deactivate_reason is not null)
 order by k.failing_since
 limit $3
"""

# Parked for longer than all of its retries take: the rule for the seconds is retry.py:longest_life.
STALLED = """
select k.subscription_id, s.public_id, s.account_id, s.name, k.failing_since, k.openings,
       (k.consecutive_failures + w.waiting)::int as consecutive_failures,
       case when s.active then s.version else s.version - 1 end as version, clock_timestamp() as now
  from delivery.lane k
  join subscription.subscription s on s.id = k.subscription_id
  left join subscription.delivery_setting d on d.subscription_id = k.subscription_id
 cross join lateral (
       select case when d.retry_delays is null then $4::float8
                   else (select coalesce(sum(e.delay), 0) from unnest(d.retry_delays) as e(delay)) end as delays,
              coalesce(d.retry_jitter, $5::float8) as jitter,
              coalesce(cardinality(d.retry_delays), $6::int) as retries) r
 cross join lateral (
       select count(*) as waiting
         from (select from delivery.queue q
                where q.subscription_id = k.subscription_id and q.parked
                  and q.due_at <= clock_timestamp()
                                  - make_interval(secs => r.delays * (1 + r.jitter) + (r.retries + 1) * $7::float8)
                order by q.due_at limit $9) p) w
 where k.open_until is not null
   and k.openings > $2
   and (k.consecutive_failures + w.waiting >= $1::int or k.openings > $3)
   and s.deleted_at is null
   and (s.active or s.deactivate_reason is not null)
 limit $8
"""
NEVER = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """How long is too long behind an open breaker: `failures` deliveries at least (None: never), once it opened more than
    `openings` times; or more than `most_openings` times. The platform's retries: `retries` of them, their `delays` so many
    seconds in all, moved by `jitter`, each attempt `timeout` seconds at most."""

    failures: int | None
    openings: int
    most_openings: int
    delays: float
    jitter: float
    retries: int
    timeout: float


async def failing(pool: asyncpg.Pool, failures: int, period: timedelta, limit: int) -> list[asyncpg.Record]:
    """Lanes with that many failures in a row, or failing for that long, the longest failing first."""
    rows: list[asyncpg.Record] = await pool.fetch(FAILING, failures, period, limit)
    return rows


async def stalled(pool: asyncpg.Pool, stall: Stall, limit: int) -> list[asyncpg.Record]:
    """Lanes whose breaker stays open; `consecutive_failures` counts what waits too long as well."""
    rows: list[asyncpg.Record] = await pool.fetch(
        STALLED,
        NEVER if stall.failures is None else stall.failures,
        stall.openings,
        stall.most_openings,
        stall.delays,
        stall.jitter,
        stall.retries,
        stall.timeout,
        limit,
        stall.failures or 0,
    )
    return rows
