"""What is past its retention and in no partition: finished executions with all that hangs on them, and told events.

Walked in the order of their keys, which is that of their making, page by page: no index on an age is needed, and whoever is
in use at this moment is left for the next time.
"""

from dataclasses import dataclass

import asyncpg

# An execution stays as long as another takes its payload from it, or an event of its runs is not published.
PRUNE_EXECUTIONS = """
with page as materialized (
    select e.execution_id, e.created_at from trigger.execution e where e.execution_id > $1 order by e.execution_id limit $3
), old as materialized (
    select e.execution_id, e.window_id
      from trigger.execution e
     where e.execution_id in (select p.execution_id from page p)
       and e.finished_at < clock_timestamp() - make_interval(days => $2)
       and not exists (select from trigger.execution x where x.payload_of = e.execution_id)
       and not exists (select from trigger.run r join trigger.outbox o on o.run_id = r.run_id
                        where r.execution_id = e.execution_id and o.published_at is null and o.refusal is null)
       for update skip locked
), runs as (
    delete from trigger.run r using old o where r.execution_id = o.execution_id returning r.run_id
), artifacts as (
    delete from trigger.artifact a using runs r where a.run_id = r.run_id
), payloads as (
    delete from trigger.execution_payload p using old o where p.execution_id = o.execution_id
), windows as (
    delete from trigger.window w using old o where w.window_id = o.window_id and w.state = 'CLOSED'
), executions as (
    delete from trigger.execution e using old o where e.execution_id = o.execution_id
)
select (select count(*) from old) as pruned, (select max(execution_id) from page) as last,
       (select count(*) = $3 and max(created_at) < clock_timestamp() - make_interval(days => $2) from page) as more
"""
PRUNE_EVENTS = """
with page as materialized (
    select o.outbox_id, o.event_at from trigger.outbox o where o.outbox_id > $1 order by o.outbox_id limit $3
), old as (
    delete from trigger.outbox o
     where o.outbox_id in (select p.outbox_id from page p)
       and o.event_at < clock_timestamp() - make_interval(days => $2)
       and (o.published_at is not null or o.refusal is not null)
    returning o.outbox_id
)
select (select count(*) from old) as pruned, (select max(outbox_id) from page) as last,
       (select count(*) = $3 and max(event_at) < clock_timestamp() - make_interval(days => $2) from page) as more
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """How many rows of a page went, its last key, and whether older rows may come after it."""

    pruned: int
    last: int
    more: bool


async def executions(pool: asyncpg.Pool, *, after: int, days: int, most: int) -> Page:
    """Deletes of the next `most` executions those that finished so many days ago, with their windows, runs and payloads."""
    [row] = await pool.fetch(PRUNE_EXECUTIONS, after, days, most)
    return _page(row)


async def events(pool: asyncpg.Pool, *, after: int, days: int, most: int) -> Page:
    """Deletes of the next `most` events of runs those that are so many days old and published, or refused for good."""
    [row] = await pool.fetch(PRUNE_EVENTS, after, days, most)
    return _page(row)


def _page(row: asyncpg.Record) -> Page:
    return Page(pruned=row["pruned"], last=row["last"] or 0, more=bool(row["more"]))
