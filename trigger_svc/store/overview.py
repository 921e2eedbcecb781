"""What an account's overview is made of. Every statement is bounded, whatever else is kept: it walks an index to a limit.

Keys are compared as rows, so that only the index of the account gives their order: with an equation the planner may walk those
of all accounts instead.
"""

from datetime import datetime

import asyncpg

from trigger_svc.overview import (
    MOST_COUNTED,
    MOST_LOSSES,
    MOST_TRIGGERS,
    MOST_WINDOWS,
    Loss,
    OpenWindow,
    Work,
    explanation,
)

NOW = "select clock_timestamp()"

OPEN_WINDOWS = """
with mine as materialized (
    select t.trigger_id, t.public_id, t.name
      from trigger.trigger t
     where (t.account_id, t.trigger_id) > ($1, 0) and (t.account_id, t.trigger_id) < ($1, 9223372036854775807)
     order by t.account_id, t.trigger_id
     limit $2
)
select count(*) over ()::int as open, m.public_id as trigger_id, m.name as trigger_name, h.window_id, h.window_count as size,
       h.window_threshold as threshold, h.opened_at, h.deadline_at
  from mine m
 cross join lateral (
       select h.window_id, h.window_count, h.window_threshold, h.opened_at, h.deadline_at
         from trigger.head h
        where h.trigger_id = m.trigger_id and h.window_id is not null
       offset 0) h
 order by h.deadline_at
 limit $3
"""

WORK = """
with pending as materialized (
    select e.execution_id
      from trigger.execution e
     where (e.account_id, e.state, e.execution_id) > ($1, 'PENDING', 0)
       and (e.account_id, e.state, e.execution_id) < ($1, 'PENDING', 9223372036854775807)
     order by e.account_id, e.state, e.execution_id
     limit $2
), free as materialized (
    select r.due_at
      from trigger.run r
     where (r.account_id, r.command) > ($1, '') and (r.account_id, r.command) < ($1 + 1, '')
       and r.state = 'PENDING' and r.lease_id is null and r.due_at is not null
     order by r.account_id, r.command, r.due_at, r.run_id
     limit $2
)
select (select count(*) from (select from trigger.trigger t
                               where (t.account_id, t.trigger_id) > ($1, 0)
                                 and (t.account_id, t.trigger_id) < ($1, 9223372036854775807)
                               order by t.account_id, t.trigger_id
                               limit $3) x)::int as triggers,
       (select count(*) from pending)::int as pending_executions,
       (select e.created_at from trigger.execution e
         where e.execution_id = (select min(p.execution_id) from pending p)) as oldest_pending_at,
       (select count(*) from (select from trigger.execution e
                               where (e.account_id, e.state, e.execution_id) > ($1, 'RUNNING', 0)
                                 and (e.account_id, e.state, e.execution_id) < ($1, 'RUNNING', 9223372036854775807)
                               order by e.account_id, e.state, e.execution_id
                               limit $2) x)::int as running_executions,
       (select count(*) from free f where f.due_at <= clock_timestamp())::int as free_runs,
       (select min(f.due_at) from free f where f.due_at <= clock_timestamp()) as oldest_free_run_at,
       (select count(*) filter (where l.account_id = $1 and l.state = 'RUNNING')
          from (select r.account_id, r.state from trigger.run r
                 where r.lease_until is not null order by r.lease_until limit $2) l)::int as running_runs
"""

LOSSES = """
with newest as materialized (
    select n.execution_id
      from unnest(array['FAILED', 'REJECTED']) as s(state)
     cross join lateral (
           select e.execution_id
             from trigger.execution e
            where (e.account_id, e.state, e.execution_id) > ($1, s.state, 0)
              and (e.account_id, e.state, e.execution_id) < ($1, s.state, 9223372036854775807)
            order by e.account_id desc, e.state desc, e.execution_id desc
            limit $2) n
     order by n.execution_id desc
     limit $2
)
select e.public_id as execution_id, coalesce(e.task_id, 0) as task_id, coalesce(e.plan_id, 0) as plan_id,
       coalesce(t.name, p.name, '') as target_name, e.state, e.reason, e.created_at, e.finished_at,
       coalesce(r.run_id, 0) as run_id, coalesce(r.reason, '') as run_reason, r.exit_code, coalesce(r.message, '') as message
  from newest n
  join trigger.execution e on e.execution_id = n.execution_id
  left join trigger.task t on t.task_id = e.task_id
  left join trigger.plan p on p.plan_id = e.plan_id
  left join lateral (
       select f.run_id, f.reason, f.exit_code, f.message
         from (select r.run_id, r.reason, r.exit_code, r.message
                 from trigger.run r
                where r.execution_id = e.execution_id and r.state = 'FAILED'
               offset 0) f
        order by f.run_id
        limit 1) r on true
 order by e.execution_id desc
"""


async def now(pool: asyncpg.Pool) -> datetime:
    """The database's time."""
    moment: datetime = await pool.fetchval(NOW)
    return moment


async def open_windows(pool: asyncpg.Pool, account_id: int) -> tuple[int, list[OpenWindow]]:
    """How many of the account's triggers have an open window, and those that end soonest."""
    rows = await pool.fetch(OPEN_WINDOWS, account_id, MOST_TRIGGERS, MOST_WINDOWS)
    shown = [OpenWindow(**{name: value for name, value in row.items() if name != "open"}) for row in rows]
    return rows[0]["open"] if rows else 0, shown


async def work(pool: asyncpg.Pool, account_id: int) -> Work:
    """What the account's executions and runs do."""
    row = await pool.fetchrow(WORK, account_id, MOST_COUNTED, MOST_TRIGGERS)
    assert row is not None
    return Work(**row)


async def losses(pool: asyncpg.Pool, account_id: int) -> list[Loss]:
    """The account's newest executions that FAILED or were REJECTED, each with the first of its runs that failed."""
    return [_loss(row) for row in await pool.fetch(LOSSES, account_id, MOST_LOSSES)]


def _loss(row: asyncpg.Record) -> Loss:
    return Loss(
        execution_id=row["execution_id"],
        task_id=row["task_id"],
        plan_id=row["plan_id"],
        target_name=row["target_name"],
        state=row["state"],
        reason=row["reason"],
        explanation=explanation(row["reason"], row["run_reason"], row["exit_code"], row["message"]),
        run_id=row["run_id"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
    )
