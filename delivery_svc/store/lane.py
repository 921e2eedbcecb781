"""Lanes with parked rows: which may be drawn from, and the drawing.

A lane row says when its parked rows may be looked at again. Who parks touches the lane row in the same transaction; who
draws locks it first and looks at the parked rows by later statements. So a lane is never said to be empty while a parked
row of it is about to commit.
"""

from datetime import datetime

import asyncpg

DUE_LANES = """
select subscription_id from delivery.lane
 where next_due_at <= clock_timestamp() and subscription_id <> all ($1::bigint[])
 order by next_due_at limit $2 for update skip locked
"""

DRAW = """
with drawn as (
    update delivery.queue set lease_id = $1, parked = false
     where id = any (array(
           select r.id
             from unnest($2::bigint[], $3::int[]) as l(subscription_id, room)
            cross join lateral (
                  select q.id from delivery.queue q
                   where q.subscription_id = l.subscription_id and q.parked and q.due_at <= clock_timestamp()
                   order by q.due_at limit l.room for update skip locked) r
            limit $4))
    returning id, event_id, published_at, subscription_id, webhook_name, attempts, due_at
)
select c.id, c.event_id, c.subscription_id, c.webhook_name, c.attempts, s.version,
       (extract(epoch from c.published_at) * 1000000)::bigint as published_us,
       e.account_id, e.event_type, e.job_id, e.event_time_ns, e.data
  from drawn c
  join delivery.event e on e.event_id = c.event_id and e.published_at = c.published_at
  join subscription.subscription s on s.id = c.subscription_id
 order by c.due_at
"""

SET_NEXT_DUE = """
update delivery.lane k
   set next_due_at = (select min(q.due_at) from delivery.queue q where q.subscription_id = k.subscription_id and q.parked)
 where k.subscription_id = any ($1::bigint[])
returning k.subscription_id, k.next_due_at
"""


# In the order of their ids, so that two pods take row locks in one order.
NOTE_HEALTH = """
insert into delivery.lane as k (subscription_id, last_status_code, last_attempt_at)
select h.subscription_id, h.status_code, timestamptz 'epoch' + h.began_us * interval '1 microsecond'
  from unnest($1::bigint[], $2::smallint[], $3::bigint[]) as h(subscription_id, status_code, began_us)
 order by h.subscription_id
on conflict (subscription_id) do update
   set last_status_code = case when excluded.last_status_code = 0 then k.last_status_code else excluded.last_status_code end,
       last_attempt_at = greatest(k.last_attempt_at, excluded.last_attempt_at)
"""


async def due_lanes(connection: asyncpg.Connection, full: list[int], limit: int) -> list[int]:
    """Locks up to `limit` lanes that may be drawn from, longest due first, leaving out those that are `full` here."""
    return [row["subscription_id"] for row in await connection.fetch(DUE_LANES, full, limit)]


async def draw(connection: asyncpg.Connection, epoch: int, rooms: dict[int, int], limit: int) -> list[asyncpg.Record]:
    """Leases parked due rows of these lanes to the epoch, from each at most its room and `limit` in all; rows as in claim."""
    rows: list[asyncpg.Record] = await connection.fetch(DRAW, epoch, list(rooms.keys()), list(rooms.values()), limit)
    return rows


async def set_next_due(connection: asyncpg.Connection, lanes: list[int]) -> dict[int, datetime | None]:
    """Sets when these locked lanes are due again, from what is still parked."""
    rows = await connection.fetch(SET_NEXT_DUE, lanes)
    return {row["subscription_id"]: row["next_due_at"] for row in rows}


async def note_health(pool: asyncpg.Pool, news: dict[int, tuple[int, int]]) -> None:
    """Notes the last status code (0: no answer, keep the one before) and attempt time (microseconds) of these lanes."""
    codes = [code for code, _ in news.values()]
    await pool.execute(NOTE_HEALTH, list(news.keys()), codes, [began_us for _, began_us in news.values()])
