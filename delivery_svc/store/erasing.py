"""Erasing: bodies out of events and attempts, unfinished deliveries out of the queue, a bounded step at a time.

No table has an index by account, since every publish would pay for it: a step walks a day's partition, or the queue, along
its key and looks at no more than a window of all accounts' rows. The body of an event is gone for good once autovacuum has
passed; backups and archived WAL are the operator's.
"""

from datetime import datetime, timedelta
from typing import cast

import asyncpg

from delivery_svc.erasure import BATCH, WINDOW
from delivery_svc.store.erasure import Running

FIRST_DAY = """
select min(to_date(right(c.relname, 8), 'YYYYMMDD'))::timestamp at time zone 'UTC'
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
 where i.inhparent = 'delivery.event'::regclass and c.relname ~ '_p\\d{8}$'
"""

NOW = "select clock_timestamp()"

ERASE_EVENT = """
update delivery.event e set data = '', erased_at = clock_timestamp()
 where e.event_id = $2 and e.account_id = $1 and e.erased_at is null
"""

ERASE_EVENTS = """
with seen as materialized (
    select e.event_id, e.published_at, e.account_id, e.erased_at
      from delivery.event e
     where e.published_at >= $2 and e.published_at < $3 and e.event_id > $4
     order by e.event_id limit $6
), mine as materialized (
    select s.event_id, s.published_at from seen s
     where s.account_id = $1 and s.erased_at is null and s.published_at < $5
     order by s.event_id limit $7
), erased as (
    update delivery.event e set data = '', erased_at = clock_timestamp()
     where e.published_at >= $2 and e.published_at < $3
       and e.event_id = any (array(select m.event_id from mine m)) and e.account_id = $1 and e.erased_at is null
    returning e.event_id
)
select (select count(*) from erased) as changed,
       case when (select count(*) from mine) = $7 then (select max(m.event_id) from mine m)
            when (select count(*) from seen) = $6 then (select max(s.event_id) from seen s) end as reached
"""

# What is leased, or locked at this moment, is left: `stop` is the first of it. Nothing here waits for a lock.
CANCEL = """
with seen as materialized (
    select q.id, q.account_id, q.event_id, q.published_at from delivery.queue q where q.id > $3 order by q.id limit $5
), mine as materialized (
    select s.id from seen s
     where s.account_id = $1 and ($2::text is null or s.event_id = $2) and s.published_at < $4
     order by s.id limit $6
), free as materialized (
    select q.id from delivery.queue q
     where q.id = any (array(select m.id from mine m)) and q.lease_id is null
       for update skip locked
), gone as (
    delete from delivery.queue q where q.id = any (array(select f.id from free f))
    returning q.id, q.event_id, q.published_at, q.subscription_id, q.account_id, q.webhook_name, q.attempts
), cancelled as (
    insert into delivery.delivery (finished_at, id, event_id, published_at, subscription_id, account_id, webhook_name,
                                   attempts, state, reason)
    select clock_timestamp(), g.id, g.event_id, g.published_at, g.subscription_id, g.account_id, g.webhook_name, g.attempts,
           'CANCELLED', 'erased'
      from gone g
)
select (select count(*) from gone) as changed,
       (select min(m.id) from mine m where m.id <> all (array(select g.id from gone g))) as stop,
       case when (select count(*) from mine) = $6 then (select max(m.id) from mine m)
            when (select count(*) from seen) = $5 then (select max(s.id) from seen s) end as reached
"""

WIPE_OF_EVENT = """
update delivery.attempt t set response_body = '', response_headers = ''
 where t.delivery_id = any (array(
           select d.id
             from delivery.event e
             join subscription.subscription s on s.account_id = e.account_id
            cross join lateral (
                  select d.id from delivery.delivery d
                   where d.subscription_id = s.id and d.published_at = e.published_at and d.event_id = e.event_id
                     and d.finished_at >= e.published_at
                  offset 0) d
            where e.event_id = $2 and e.account_id = $1))
   and (t.response_body <> '' or t.response_headers <> '')
"""

WIPE = """
with seen as materialized (
    select d.id, d.account_id, d.published_at
      from delivery.delivery d
     where d.finished_at >= $2 and d.finished_at < $3 and d.id > $4
     order by d.id limit $6
), mine as materialized (
    select s.id from seen s where s.account_id = $1 and s.published_at < $5 order by s.id limit $7
), wiped as (
    update delivery.attempt t set response_body = '', response_headers = ''
     where t.delivery_id = any (array(select m.id from mine m)) and (t.response_body <> '' or t.response_headers <> '')
    returning t.id
)
select (select count(*) from wiped) as changed,
       case when (select count(*) from mine) = $7 then (select max(m.id) from mine m)
            when (select count(*) from seen) = $6 then (select max(s.id) from seen s) end as reached
"""

DAY = timedelta(days=1)


async def first_day(connection: asyncpg.Connection) -> datetime:
    """The beginning of the oldest day of which events are kept."""
    return cast(datetime, await connection.fetchval(FIRST_DAY))


async def now(connection: asyncpg.Connection) -> datetime:
    """The database's clock."""
    return cast(datetime, await connection.fetchval(NOW))


async def erase_event(connection: asyncpg.Connection, running: Running) -> int:
    """Takes the body of its one event. Returns 0 when it was gone before."""
    tag = await connection.execute(ERASE_EVENT, running.account_id, running.event_id)
    return int(tag.rpartition(" ")[2])


async def erase_events(connection: asyncpg.Connection, running: Running, day: datetime, key: str) -> asyncpg.Record:
    """Takes the bodies of events of a day beyond that id: `changed` of them; `reached` None at the day's end."""
    span = (day, day + DAY, key, running.published_until)
    [row] = await connection.fetch(ERASE_EVENTS, running.account_id, *span, WINDOW, BATCH)
    return row


async def cancel(connection: asyncpg.Connection, running: Running, key: int) -> asyncpg.Record:
    """Cancels unfinished deliveries beyond that id: `changed` of them; `stop` is the first that is in a pod's hands;
    `reached` None at the queue's end."""
    span = (running.event_id, key, running.published_until)
    [row] = await connection.fetch(CANCEL, running.account_id, *span, WINDOW, BATCH)
    return row


async def wipe_of_event(connection: asyncpg.Connection, running: Running) -> None:
    """Takes what was answered to its one event."""
    await connection.execute(WIPE_OF_EVENT, running.account_id, running.event_id)


async def wipe(connection: asyncpg.Connection, running: Running, day: datetime, key: int) -> asyncpg.Record:
    """Takes what was answered to deliveries that were finished on a day, beyond that id: `changed` attempts; `reached` None
    at the day's end."""
    span = (day, day + DAY, key, running.published_until)
    [row] = await connection.fetch(WIPE, running.account_id, *span, WINDOW, BATCH)
    return row
