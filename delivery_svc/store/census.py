"""What waits, counted for the metrics: each count along an index and to a limit, so that a million rows cost as ten thousand.

Leased rows have no index of their own (every born-leased row would pay for it), so they are not counted here: what each pod
holds is its own metric.
"""

from dataclasses import dataclass

import asyncpg

MOST = 10_000

# Each count has an order to keep the planner on its index, and a clock that stands still within a statement, since with
# clock_timestamp() the index would be walked to its end. What is due and the oldest of it are one walk: beside a snapshot that
# is held open each walk passes all that was claimed since.
COUNT = """
select due.number as due,
       coalesce(extract(epoch from statement_timestamp() - due.oldest_at), 0)::float8 as oldest_due_age,
       (select count(*) from (select from delivery.queue where lease_id is null and not parked
                                 and due_at > statement_timestamp() order by due_at limit $1) q) as scheduled,
       (select count(*) from (select from delivery.queue where parked
                               order by subscription_id, due_at limit $1) q) as parked_rows,
       (select count(*) from (select from delivery.lane where next_due_at is not null
                               order by next_due_at limit $1) k) as parked_lanes,
       (select count(*) from (select from delivery.lane where open_until is null
                               order by subscription_id limit $1) k) as breakers_closed,
       (select count(*) from (select from delivery.lane where open_until > statement_timestamp()
                               order by open_until limit $1) k) as breakers_open,
       (select count(*) from (select from delivery.lane where open_until <= statement_timestamp()
                               order by open_until limit $1) k) as breakers_half_open,
       (select count(*) from (select from delivery.recovery where state = 'RUNNING'
                               order by recovery_id limit $1) r) as recoveries,
       (select count(*) from (select from delivery.erasure where state = 'RUNNING'
                               order by erasure_id limit $1) e) as erasures
  from (select count(*) as number, min(due_at) as oldest_at
          from (select due_at from delivery.queue where lease_id is null and not parked
                   and due_at <= statement_timestamp() order by due_at limit $1) q) due
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Counts to MOST, of all pods; `oldest_due_age` in seconds, 0 when nothing is due."""

    due: int
    scheduled: int
    oldest_due_age: float
    parked_rows: int
    parked_lanes: int
    breakers_closed: int
    breakers_open: int
    breakers_half_open: int
    recoveries: int
    erasures: int


async def count(pool: asyncpg.Pool) -> Census:
    """Counts all of it in one statement."""
    row = await pool.fetchrow(COUNT, MOST)
    assert row is not None
    return Census(**dict(row))
