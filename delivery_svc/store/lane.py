"""Lanes with parked rows: which may be drawn from, and the drawing.

A lane row says when its parked rows may be looked at again. Who parks touches the lane row in the same transaction; who
draws locks it first and looks at the parked rows by later statements. So a lane is never said to be empty while a parked
row of it is about to commit.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

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
insert into delivery.lane as k (subscription_id, last_status_code, last_attempt_at, consecutive_failures, failing_since)
select h.subscription_id, h.status_code, timestamptz 'epoch' + h.began_us * interval '1 microsecond', h.failures,
       timestamptz 'epoch' + h.failing_us * interval '1 microsecond'
  from unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::int[], $5::bigint[])
       as h(subscription_id, status_code, began_us, failures, failing_us)
 order by h.subscription_id
on conflict (subscription_id) do update
   set last_status_code = case when excluded.last_status_code = 0 then k.last_status_code else excluded.last_status_code end,
       last_attempt_at = greatest(k.last_attempt_at, excluded.last_attempt_at),
       consecutive_failures = excluded.consecutive_failures
           + case when excluded.subscription_id = any ($6::bigint[]) then 0 else k.consecutive_failures end,
       failing_since = case when excluded.subscription_id = any ($6::bigint[]) then excluded.failing_since
                            else coalesce(k.failing_since, excluded.failing_since) end
"""


# Not frozen: one is changed at every attempt, and a new one each time would cost several times as much.
@dataclass(slots=True)
class Sign:
    """What a lane's attempts showed within a moment. Times are microseconds since 1970, on the database's clock.

    `status_code` is the last answer's, 0 for none; `failures` counts deliveries that FAILED since the last success of the
    moment, the first at `failing_us`; `recovered` says that there was such a success.
    """

    status_code: int = 0
    began_us: int = 0
    failures: int = 0
    failing_us: int | None = None
    recovered: bool = False

    def add(self, later: "Sign") -> None:
        """Takes in what was seen after it."""
        self.status_code = later.status_code or self.status_code
        self.began_us = max(self.began_us, later.began_us)
        if later.recovered:
            self.recovered, self.failures, self.failing_us = True, 0, None
        self.failures += later.failures
        if self.failing_us is None:
            self.failing_us = later.failing_us


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


async def note_health(pool: asyncpg.Pool, signs: dict[int, Sign]) -> None:
    """Notes what these lanes' attempts showed. A lane without an answer keeps the status code before."""
    await pool.execute(
        NOTE_HEALTH,
        list(signs.keys()),
        [sign.status_code for sign in signs.values()],
        [sign.began_us for sign in signs.values()],
        [sign.failures for sign in signs.values()],
        [sign.failing_us for sign in signs.values()],
        [subscription_id for subscription_id, sign in signs.items() if sign.recovered],
    )


FAILING = """
select k.subscription_id, s.public_id, s.account_id, s.name, k.consecutive_failures, k.failing_since,
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

FORGIVE = """
update delivery.lane set consecutive_failures = 0, failing_since = null where subscription_id = $1
"""

FORGIVE_PAUSED = """
update delivery.lane k
   set consecutive_failures = 0, failing_since = null
  from subscription.subscription s
 where k.failing_since is not null
   and s.id = k.subscription_id
   and not s.active
   and (s.deactivate_reason is null or s.deleted_at is not null)
"""


async def failing(pool: asyncpg.Pool, failures: int, seconds: timedelta, limit: int) -> list[asyncpg.Record]:
    """Lanes with that many failures in a row, or failing for that long, the longest failing first; with a declared read of
    whose they are. `version` is the one that failed: of one that was deactivated since, the version before."""
    rows: list[asyncpg.Record] = await pool.fetch(FAILING, failures, seconds, limit)
    return rows


async def forgive(pool: asyncpg.Pool, subscription_id: int) -> None:
    """Counts from nothing again."""
    await pool.execute(FORGIVE, subscription_id)


async def forgive_paused(pool: asyncpg.Pool) -> None:
    """The same for those that their owner paused or deleted: who revives one gives it a fresh start."""
    await pool.execute(FORGIVE_PAUSED)
