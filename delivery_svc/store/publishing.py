"""Publishing: events, their request ids, their fan-out and their queue rows in one statement.

Rows are born leased to the publishing pod as far as it has room, so that a first attempt needs no claim; beyond that room
they are born free, and parked where their lane is full. The lane row is touched by the same transaction that parks, which
is what makes it safe for the drawer to clear it (store/lane.py). A lane whose breaker is not closed has no room at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from delivery_svc.event import Event, NewEvent

Connection = asyncpg.Connection | asyncpg.Pool
ANY_EVENTS = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What the pod can take: `total` rows, of the first `events` alone; per lane `lanes` (by subscription), else `lane`."""

    epoch: int
    total: int
    lane: int
    lanes: dict[int, int]
    events: int = ANY_EVENTS


# In the order of the key, so that two pods that publish the same ids wait for each other instead of deadlocking.
REMEMBER = """
insert into delivery.publish_request (account_id, request_id, body_hash, event_id, published_at)
select r.account_id, r.request_id, r.body_hash, r.event_id, clock_timestamp()
  from unnest($1::bigint[], $2::text[], $3::bytea[], $4::text[]) as r(account_id, request_id, body_hash, event_id)
 order by r.account_id, r.request_id
on conflict do nothing
returning event_id
"""

RECALL = """
select p.account_id, p.request_id, p.body_hash, p.event_id
  from unnest($1::bigint[], $2::text[]) as r(account_id, request_id)
  join delivery.publish_request p on p.account_id = r.account_id and p.request_id = r.request_id
"""

# Request ids are remembered by the same statement, whose failure says that one of them came before: two round trips less for
# nearly every flush. In the order of the key, as in REMEMBER. `offset 0` keeps the planner from turning the fan-out round while
# the tables are small: event, then who wants it, by key. An interest row exists for active subscriptions alone.
STORE = """
with moment as materialized (
    select clock_timestamp() as now
), input as materialized (
    select i.ord, i.event_id, i.account_id, i.event_type, i.job_id, i.event_time_ns, i.data, i.traceparent, i.request_id,
           i.body_hash
      from unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[], $7::text[], $13::text[],
                  $14::bytea[]) with ordinality
           as i(event_id, account_id, event_type, job_id, event_time_ns, data, traceparent, request_id, body_hash, ord)
), remembered as (
    insert into delivery.publish_request (account_id, request_id, body_hash, event_id, published_at)
    select i.account_id, i.request_id, i.body_hash, i.event_id, m.now
      from input i, moment m
     where i.request_id is not null
     order by i.account_id, i.request_id
), stored as (
    insert into delivery.event (published_at, event_id, account_id, event_type, job_id, event_time_ns, data, traceparent)
    select m.now, i.event_id, i.account_id, i.event_type, i.job_id, i.event_time_ns, i.data, i.traceparent
      from input i, moment m
), matched as (
    select i.ord, i.event_id, i.account_id, s.id as subscription_id, s.version, s.name,
           row_number() over (partition by s.id order by i.ord) as lane_position,
           case when k.next_due_at is null and k.open_until is null then coalesce(l.room, $10::int) else 0 end as lane_room
      from input i
     cross join lateral (
           select w.subscription_id from subscription.interest w
            where w.account_id = i.account_id and w.event_type = i.event_type and w.job_id = any (array[0, i.job_id])
           offset 0) w
     cross join lateral (
           select s.id, s.version, s.name from subscription.subscription s
            where s.id = w.subscription_id
           offset 0) s
      left join delivery.lane k on k.subscription_id = s.id
      left join unnest($11::bigint[], $12::int[]) as l(subscription_id, room) on l.subscription_id = s.id
), placed as materialized (
    select nextval('delivery.delivery_id') as id, p.ord, p.event_id, p.account_id, p.subscription_id, p.version, p.name,
           not p.fits as parked, p.fits and p.place <= $9::int and p.ord <= $15::int as leased
      from (select m.*, m.lane_position <= m.lane_room as fits,
                   row_number() over (partition by m.lane_position <= m.lane_room order by m.ord) as place
              from matched m) p
), queued as (
    insert into delivery.queue (id, event_id, published_at, subscription_id, account_id, webhook_name, due_at, lease_id, parked)
    select p.id, p.event_id, m.now, p.subscription_id, p.account_id, p.name, m.now,
           case when p.leased then $8::bigint end, p.parked
      from placed p, moment m
), thirsty as (
    insert into delivery.lane as k (subscription_id, next_due_at)
    select distinct p.subscription_id, m.now from placed p, moment m where p.parked order by p.subscription_id
    on conflict (subscription_id) do update
       set next_due_at = case when k.open_until is null then least(k.next_due_at, excluded.next_due_at)
                              else coalesce(k.next_due_at, greatest(k.open_until, excluded.next_due_at)) end
)
select p.id, p.ord - 1 as ord, p.subscription_id, p.version, p.leased, p.parked,
       (extract(epoch from m.now) * 1000000)::bigint as published_us
  from placed p, moment m
"""


async def remember(connection: asyncpg.Connection, events: Sequence[tuple[str, NewEvent]]) -> set[str]:
    """Remembers (event id, event) pairs by their request ids. Returns the event ids whose request id was new."""
    rows = await connection.fetch(
        REMEMBER,
        [event.account_id for _, event in events],
        [event.request_id for _, event in events],
        [event.body_hash for _, event in events],
        [event_id for event_id, _ in events],
    )
    return {row["event_id"] for row in rows}


async def recall(
    connection: asyncpg.Connection, events: Sequence[NewEvent]
) -> dict[tuple[int, str], tuple[bytes, str]]:
    """Body hash and event id that were remembered first, by account and request id. A statement of its own: it must see
    what the winner of a conflict committed meanwhile."""
    rows = await connection.fetch(
        RECALL, [event.account_id for event in events], [event.request_id for event in events]
    )
    return {(row["account_id"], row["request_id"]): (row["body_hash"], row["event_id"]) for row in rows}


async def store(
    connection: Connection, events: Sequence[Event], room: Room, requests: Sequence[tuple[str | None, bytes]] = ()
) -> list[asyncpg.Record]:
    """Stores events and their deliveries. One row per delivery: id, ord (index of its event), subscription_id, version,
    leased, parked, published_us.

    `requests` are each event's request id (None: it has none) and body hash, to be remembered along with them; empty: no event
    has one. When one of them is known, nothing is stored: UniqueViolationError.
    """
    rows: list[asyncpg.Record] = await connection.fetch(
        STORE,
        [event.event_id for event in events],
        [event.account_id for event in events],
        [event.event_type for event in events],
        [event.job_id for event in events],
        [event.event_time_ns for event in events],
        [event.data for event in events],
        _traceparents(events),
        room.epoch,
        room.total,
        room.lane,
        list(room.lanes.keys()),
        list(room.lanes.values()),
        [request_id for request_id, _ in requests],
        [body_hash for _, body_hash in requests],
        room.events,
    )
    return rows


def _traceparents(events: Sequence[Event]) -> list[str | None]:
    """Sent empty when no event has one: unnest fills it up with nulls."""
    traceparents = [event.traceparent for event in events]
    return traceparents if any(traceparents) else []
