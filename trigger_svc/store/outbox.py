"""The outbox: rows are claimed for some seconds, published, marked. Nothing is locked while the network is used."""

import asyncpg

from trigger_svc.event import Unpublished

CLAIM_EVENTS = """
with claimed as (
    update trigger.outbox o
       set claimed_until = clock_timestamp() + make_interval(secs => $2)
     where o.outbox_id = any(array(
               select x.outbox_id
                 from trigger.outbox x
                where x.published_at is null and x.refusal is null
                  and (x.claimed_until is null or x.claimed_until <= clock_timestamp())
                  and not exists (
                          select from trigger.outbox y
                           where y.run_id = x.run_id and y.outbox_id < x.outbox_id
                             and y.published_at is null and y.refusal is null)
                order by x.outbox_id
                limit $1
                  for no key update skip locked))
    returning o.outbox_id, o.run_id, o.event_type, o.event_at, o.run_state, o.message, o.started_at, o.finished_at,
              o.execution_id
)
select c.outbox_id, c.event_type, c.event_at, c.run_state, c.message, c.started_at, c.finished_at, c.run_id,
       coalesce(r.account_id, e.account_id) as account_id, coalesce(r.task_id, t.task_id, 0) as task_id,
       coalesce(r.task_name, t.name, '') as task_name, coalesce(r.environment_id, t.environment_id, 0) as environment_id,
       coalesce(r.environment_name, t.environment_name, '') as environment_name,
       coalesce(r.project_id, t.project_id, 0) as project_id, coalesce(r.project_name, t.project_name, '') as project_name,
       coalesce(r.dbt_version, t.dbt_version, '') as dbt_version, coalesce(r.run_reason, e.run_reason) as run_reason,
       coalesce(e.public_id, '') as execution_id, coalesce(p.name, t.name, '') as subject_name
  from claimed c
  left join trigger.run r on r.run_id = c.run_id
  left join trigger.execution e on e.execution_id = c.execution_id
  left join trigger.task t on t.task_id = coalesce(e.task_id, (e.plan -> 'steps' -> 0 ->> 0)::bigint)
  left join trigger.plan p on p.plan_id = e.plan_id
 order by c.outbox_id
"""


async def claim(pool: asyncpg.Pool, *, most: int, seconds: float) -> list[Unpublished]:
    """Takes the oldest events for some seconds: of each run only the next one, so that its order holds."""
    return [Unpublished(**row) for row in await pool.fetch(CLAIM_EVENTS, most, seconds)]


MARK_PUBLISHED = """
update trigger.outbox
   set published_at = clock_timestamp(), claimed_until = null
 where outbox_id = any($1::bigint[]) and published_at is null
"""


async def mark_published(pool: asyncpg.Pool, outbox_ids: list[int]) -> None:
    """Remembers what delivery_svc took. If this is lost, they go out again under the same request ids."""
    await pool.execute(MARK_PUBLISHED, outbox_ids)


MARK_REFUSED = """
update trigger.outbox set refusal = $2, claimed_until = null where outbox_id = $1 and published_at is null
"""


async def mark_refused(pool: asyncpg.Pool, outbox_id: int, refusal: str) -> None:
    """Sets an event aside that delivery_svc will never take, so that the ones behind it go on."""
    await pool.execute(MARK_REFUSED, outbox_id, refusal)


RELEASE_EVENTS = """
update trigger.outbox set claimed_until = null where outbox_id = any($1::bigint[]) and claimed_until is not null
"""


async def release(pool: asyncpg.Pool, outbox_ids: list[int]) -> None:
    """Gives claimed events back that were not published."""
    await pool.execute(RELEASE_EVENTS, outbox_ids)


COUNT_WAITING = """
select count(*)
  from (select from trigger.outbox where published_at is null and refusal is null limit $1) waiting
"""


async def count_waiting(pool: asyncpg.Pool, *, most: int) -> int:
    """How many events wait, counted up to `most`."""
    count: int = await pool.fetchval(COUNT_WAITING, most)
    return count
