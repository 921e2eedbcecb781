"""Lanes with parked rows: which may be drawn from, and the drawing.

A lane row says when its parked rows may be looked at again. Who parks touches the lane row in the same transaction; who
draws locks it first and looks at the parked rows by later statements. So a lane is never said to be empty while a parked
row of it is about to commit.

The row also holds the lane's breaker. While `open_until` is set, publish and claims give the lane nothing to send, and it
is the breaker alone that moves `next_due_at`: to `open_until`, then, by who draws the probe, past the probe's end.
"""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from delivery_svc.breaker import NO_BREAKER, BreakerPolicy

DUE_LANES = """
select subscription_id, open_until is not null as half_open from delivery.lane
 where next_due_at <= statement_timestamp() and subscription_id <> all ($1::bigint[])
   and (open_until is null or open_until <= statement_timestamp())
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
                   where q.subscription_id = l.subscription_id and q.parked and q.due_at <= statement_timestamp()
                   order by q.due_at limit l.room for update skip locked) r
            limit $4))
    returning id, event_id, published_at, subscription_id, webhook_name, attempts, redelivery, due_at
)
select c.id, c.event_id, c.subscription_id, c.webhook_name, c.attempts, c.redelivery, s.version,
       (extract(epoch from c.published_at) * 1000000)::bigint as published_us,
       e.account_id, e.event_type, e.job_id, e.event_time_ns, e.data, e.traceparent
  from drawn c
  join delivery.event e on e.event_id = c.event_id and e.published_at = c.published_at
  join subscription.subscription s on s.id = c.subscription_id
 order by c.due_at
"""

SET_NEXT_DUE = """
update delivery.lane k
   set next_due_at = case when k.subscription_id = any ($2::bigint[]) then clock_timestamp() + make_interval(secs => $3)
                          else (select greatest(q.due_at, k.open_until) from delivery.queue q
                                 where q.subscription_id = k.subscription_id and q.parked order by q.due_at limit 1) end
 where k.subscription_id = any ($1::bigint[])
returning k.subscription_id, k.next_due_at
"""


OPEN_AMONG = """
select subscription_id, extract(epoch from open_until - clock_timestamp())::float8 as seconds
  from delivery.lane
 where subscription_id = any ($1::bigint[]) and open_until is not null
"""

# In the order of their ids, so that two pods take row locks in one order. The rule is breaker.py:after. Of an endpoint that
# does well only the time of its last attempt changes. That is noted once a second: as long as somebody holds an old snapshot,
# whoever looks at a row walks over each version of it.
NOTE_HEALTH = """
with moment as materialized (
    select clock_timestamp() as now
), known as materialized (
    select subscription_id, failed_attempts, open_until, openings from delivery.lane
     where subscription_id = any ($1::bigint[]) order by subscription_id for update
), seen as (
    select h.subscription_id, h.status_code, h.failures, h.recovered, h.failed,
           timestamptz 'epoch' + h.began_us * interval '1 microsecond' as began_at,
           timestamptz 'epoch' + h.failing_us * interval '1 microsecond' as failing_at,
           case when h.recovered then h.failed else coalesce(k.failed_attempts, 0) + h.failed end as failed_attempts,
           case when h.recovered then 0 else coalesce(k.openings, 0) end as openings,
           case when h.recovered then null else k.open_until end as open_until,
           k.open_until is not null as was_open
      from unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::int[], $5::bigint[], $6::bool[], $7::int[])
           as h(subscription_id, status_code, began_us, failures, failing_us, recovered, failed)
      left join known k on k.subscription_id = h.subscription_id
), opening as (
    select s.*, s.failed > 0 and s.failed_attempts >= $8::int and (
               s.open_until is null
               or (s.open_until <= m.now and s.began_at >= s.open_until - make_interval(secs => $9::float8 / 2))) as opens
      from seen s, moment m
), judged as materialized (
    select o.subscription_id, o.status_code, o.failures, o.recovered, o.began_at, o.failing_at, o.failed_attempts, o.was_open,
           o.opens,
           case when o.opens then m.now + make_interval(secs => least($10::float8, $9::float8 * 2 ^ least(o.openings, 30)))
                when o.failed > 0 and o.failed_attempts < $8::int then null
                else o.open_until end as open_until,
           case when o.opens then o.openings + 1
                when o.failed > 0 and o.failed_attempts < $8::int then 0
                else o.openings end as openings
      from opening o, moment m
), noted as (
    insert into delivery.lane as k (subscription_id, last_status_code, last_attempt_at, consecutive_failures, failing_since,
                                    failed_attempts, open_until, openings)
    select j.subscription_id, j.status_code, j.began_at, j.failures, j.failing_at, j.failed_attempts, j.open_until, j.openings
      from judged j
     order by j.subscription_id
    on conflict (subscription_id) do update
       set last_status_code = case when excluded.last_status_code = 0 then k.last_status_code
                                   else excluded.last_status_code end,
           last_attempt_at = greatest(k.last_attempt_at, excluded.last_attempt_at),
           consecutive_failures = excluded.consecutive_failures
               + case when excluded.subscription_id = any (array(select j.subscription_id from judged j where j.recovered))
                      then 0 else k.consecutive_failures end,
           failing_since = case when excluded.subscription_id = any (array(select j.subscription_id from judged j
                                                                            where j.recovered))
                                then excluded.failing_since else coalesce(k.failing_since, excluded.failing_since) end,
           failed_attempts = excluded.failed_attempts,
           open_until = excluded.open_until,
           openings = excluded.openings,
           next_due_at = case when k.next_due_at is null or excluded.open_until is not distinct from k.open_until
                              then k.next_due_at
                              else coalesce(excluded.open_until, clock_timestamp()) end
     where k.last_attempt_at is null or excluded.last_attempt_at >= k.last_attempt_at + interval '1 second'
        or excluded.last_status_code not in (0, k.last_status_code)
        or k.consecutive_failures > 0 or k.failing_since is not null or excluded.consecutive_failures > 0
        or excluded.failed_attempts <> k.failed_attempts or excluded.openings <> k.openings
        or excluded.open_until is distinct from k.open_until
)
select j.subscription_id, s.public_id, j.opens, j.openings, extract(epoch from j.open_until - m.now)::float8 as seconds
  from judged j
 cross join moment m
  left join subscription.subscription s on s.id = j.subscription_id
 where j.open_until is not null or j.was_open
"""
NEVER_OPENS = 2**31 - 1


# Not frozen: one is changed at every attempt, and a new one each time would cost several times as much.
@dataclass(slots=True)
class Sign:
    """What a lane's attempts showed within a moment. Times are microseconds since 1970, on the database's clock.

    `status_code` is the last answer's, 0 for none; `failures` counts deliveries that FAILED since the last success of the
    moment, the first at `failing_us`; `failed_attempts` counts attempts in the same way; `recovered` says that there was
    such a success.
    """

    status_code: int = 0
    began_us: int = 0
    failures: int = 0
    failing_us: int | None = None
    recovered: bool = False
    failed_attempts: int = 0

    def add(self, later: "Sign") -> None:
        """Takes in what was seen after it."""
        self.status_code = later.status_code or self.status_code
        self.began_us = max(self.began_us, later.began_us)
        if later.recovered:
            self.recovered, self.failures, self.failing_us, self.failed_attempts = True, 0, None, 0
        self.failures += later.failures
        self.failed_attempts += later.failed_attempts
        if self.failing_us is None:
            self.failing_us = later.failing_us


async def due_lanes(connection: asyncpg.Connection, full: list[int], limit: int) -> dict[int, bool]:
    """Locks up to `limit` lanes that may be drawn from, longest due first, leaving out those that are `full` here; of each
    whether its breaker is half open: then only a probe may be drawn."""
    rows = await connection.fetch(DUE_LANES, full, limit)
    return {row["subscription_id"]: row["half_open"] for row in rows}


async def draw(connection: asyncpg.Connection, epoch: int, rooms: dict[int, int], limit: int) -> list[asyncpg.Record]:
    """Leases parked due rows of these lanes to the epoch, from each at most its room and `limit` in all; rows as in claim."""
    rows: list[asyncpg.Record] = await connection.fetch(DRAW, epoch, list(rooms.keys()), list(rooms.values()), limit)
    return rows


async def set_next_due(
    connection: asyncpg.Connection, lanes: list[int], probed: list[int], probe_seconds: float
) -> dict[int, datetime | None]:
    """Sets when these locked lanes are due again: from what is still parked, but those whose probe was drawn only when that
    must long have been recorded."""
    rows = await connection.fetch(SET_NEXT_DUE, lanes, probed, probe_seconds)
    return {row["subscription_id"]: row["next_due_at"] for row in rows}


async def note_health(
    pool: asyncpg.Pool, signs: dict[int, Sign], policy: BreakerPolicy = NO_BREAKER
) -> list[asyncpg.Record]:
    """Notes what these lanes' attempts showed. A lane without an answer keeps the status code before.

    Returns the lanes whose breaker is not closed, or was not before: subscription_id, public_id, opens (by this very note),
    openings, seconds (for which it is still open, below 0 when it waits for a probe; None: it is closed now). A sign without
    an attempt that counts leaves the breaker alone, whatever the policy.
    """
    rows: list[asyncpg.Record] = await pool.fetch(
        NOTE_HEALTH,
        list(signs.keys()),
        [sign.status_code for sign in signs.values()],
        [sign.began_us for sign in signs.values()],
        [sign.failures for sign in signs.values()],
        [sign.failing_us for sign in signs.values()],
        [sign.recovered for sign in signs.values()],
        [sign.failed_attempts for sign in signs.values()],
        NEVER_OPENS if policy.failures is None else policy.failures,
        policy.shortest,
        policy.longest,
    )
    return rows


async def open_among(pool: asyncpg.Pool, lanes: set[int]) -> dict[int, float]:
    """Those whose breaker is not closed, each with the seconds for which it is open; below 0 when it waits for a probe."""
    return {row["subscription_id"]: row["seconds"] for row in await pool.fetch(OPEN_AMONG, list(lanes))}


FORGIVE = """
update delivery.lane
   set consecutive_failures = 0, failing_since = null, failed_attempts = 0, open_until = null, openings = 0,
       next_due_at = case when open_until is null or next_due_at is null then next_due_at else clock_timestamp() end
 where subscription_id = $1
"""

# Two indexes, one for each way to be in trouble: an "or" would walk all subscriptions instead.
FORGIVE_PAUSED = """
with troubled as materialized (
    select subscription_id from delivery.lane where failing_since is not null
    union
    select subscription_id from delivery.lane where open_until is not null
), paused as (
    select t.subscription_id from troubled t
     cross join lateral (
           select s.id from subscription.subscription s
            where s.id = t.subscription_id and not s.active and (s.deactivate_reason is null or s.deleted_at is not null)
           offset 0) s
)
update delivery.lane
   set consecutive_failures = 0, failing_since = null, failed_attempts = 0, open_until = null, openings = 0,
       next_due_at = case when open_until is null or next_due_at is null then next_due_at else clock_timestamp() end
 where subscription_id = any (array(select p.subscription_id from paused p))
"""


# The counts stay: the first attempt that fails opens it again, for the time that was due.
PASS_PROBE = """
update delivery.lane
   set open_until = null, next_due_at = case when next_due_at is null then null else clock_timestamp() end
 where subscription_id = any ($1::bigint[]) and open_until <= clock_timestamp()
returning subscription_id
"""


async def pass_probe(pool: asyncpg.Pool, lanes: list[int]) -> list[int]:
    """Those of these that waited for a probe need none: what was drawn for it was not sent. Returns them."""
    return [row["subscription_id"] for row in await pool.fetch(PASS_PROBE, lanes)]


async def forgive(pool: asyncpg.Pool, subscription_id: int) -> None:
    """Counts from nothing again, with the breaker closed."""
    await pool.execute(FORGIVE, subscription_id)


async def forgive_paused(pool: asyncpg.Pool) -> None:
    """The same for those that their owner paused or deleted: who revives one gives it a fresh start."""
    await pool.execute(FORGIVE_PAUSED)
