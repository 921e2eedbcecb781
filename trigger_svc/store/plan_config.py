"""Plans as they are configured: a row for the plan, for each step, for each task of a step."""

import json
from collections.abc import Sequence

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_svc.planned import NewPlan, Plan, Step
from trigger_svc.task import QueueLimit

INSERT_PLAN = """
insert into trigger.plan
    (account_id, name, failure_handler_task_id, timeout_seconds, allow_parallel_runs, queue_limit, queue_mode, queue_count)
values ($1, $2, nullif($3::bigint, 0), $4, $5, $6, $7, $8)
returning plan_id
"""
INSERT_STEPS = """
insert into trigger.plan_step (plan_id, step, name)
select $1, n.step, n.name from unnest($2::text[]) with ordinality as n (name, step)
"""
INSERT_STEP_TASKS = """
insert into trigger.plan_step_task (plan_id, step, task_id)
select $1, n.step, n.task_id from unnest($2::integer[], $3::bigint[]) as n (step, task_id)
"""


async def insert(connection: PoolConnectionProxy, plan: NewPlan) -> int:
    """Stores a plan whose fields are good and whose tasks are there; its id."""
    plan_id: int = await connection.fetchval(INSERT_PLAN, *_values(plan))
    await _insert_steps(connection, plan_id, plan)
    return plan_id


UPDATE_PLAN = """
update trigger.plan
   set name = $3, failure_handler_task_id = nullif($4::bigint, 0), timeout_seconds = $5, allow_parallel_runs = $6,
       queue_limit = $7, queue_mode = $8, queue_count = $9, version = version + 1
 where plan_id = $1 and account_id = $2
"""
DELETE_STEPS = "delete from trigger.plan_step where plan_id = $1"


async def update(connection: PoolConnectionProxy, plan_id: int, plan: NewPlan) -> None:
    """Replaces a plan that is there by one whose fields are good and whose tasks are there."""
    await connection.execute(UPDATE_PLAN, plan_id, *_values(plan))
    await connection.execute(DELETE_STEPS, plan_id)
    await _insert_steps(connection, plan_id, plan)


async def _insert_steps(connection: PoolConnectionProxy, plan_id: int, plan: NewPlan) -> None:
    await connection.execute(INSERT_STEPS, plan_id, [step.name for step in plan.steps])
    pairs = [(place, task_id) for place, step in enumerate(plan.steps, 1) for task_id in step.task_ids]
    await connection.execute(INSERT_STEP_TASKS, plan_id, [step for step, _ in pairs], [task_id for _, task_id in pairs])


# What is read of a plan, whichever is asked for.
_PLANS = """
select p.plan_id, p.account_id, p.name, coalesce(p.failure_handler_task_id, 0) as failure_handler_task_id, p.timeout_seconds,
       p.allow_parallel_runs, p.queue_limit, p.queue_mode, p.queue_count, p.paused, p.version, p.created_at,
       (select json_agg(json_build_object('name', s.name, 'task_ids', array(
                   select t.task_id from trigger.plan_step_task t
                    where t.plan_id = s.plan_id and t.step = s.step order by t.task_id)) order by s.step)
          from trigger.plan_step s where s.plan_id = p.plan_id) as steps
  from trigger.plan p"""

FIND_PLAN = f"""{_PLANS}
 where p.account_id = $1 and p.plan_id = $2
"""


async def find(connection: asyncpg.Pool | PoolConnectionProxy, account_id: int, plan_id: int) -> Plan | None:
    """A plan of the account."""
    row = await connection.fetchrow(FIND_PLAN, account_id, plan_id)
    return None if row is None else _plan(row)


# Compared as rows, so that only plan_account gives this order and not the key of all plans.
LIST_PLANS = f"""{_PLANS}
 where (p.account_id, p.plan_id) > ($1, $2) and (p.account_id, p.plan_id) <= ($1, 9223372036854775807)
 order by p.account_id, p.plan_id
 limit $3
"""


async def list_oldest(pool: asyncpg.Pool, account_id: int, *, above: int, most: int) -> list[Plan]:
    """Plans of the account with ids above `above`, oldest first."""
    return [_plan(row) for row in await pool.fetch(LIST_PLANS, account_id, above, most)]


LIST_NAMED_PLANS = f"""{_PLANS}
 where p.account_id = $1 and p.plan_id = any($2::bigint[]) and p.plan_id > $3
 order by p.plan_id
 limit $4
"""


async def list_named(pool: asyncpg.Pool, account_id: int, ids: Sequence[int], *, above: int, most: int) -> list[Plan]:
    """Those of the account that have one of these ids, above `above`, oldest first."""
    return [_plan(row) for row in await pool.fetch(LIST_NAMED_PLANS, account_id, ids, above, most)]


LOCK_PLAN = "select plan_id from trigger.plan where account_id = $1 and plan_id = $2 for no key update"


async def lock(connection: PoolConnectionProxy, account_id: int, plan_id: int) -> None:
    """Makes this transaction the only one that changes a plan or its triggers."""
    await connection.fetchval(LOCK_PLAN, account_id, plan_id)


LOCK_TASKS = """
select task_id from trigger.task where account_id = $1 and task_id = any($2::bigint[]) order by task_id for share
"""


async def lock_tasks(connection: PoolConnectionProxy, account_id: int, plan: NewPlan) -> frozenset[int]:
    """Keeps the plan's tasks as they are until the transaction ends; those that the account has."""
    rows = await connection.fetch(LOCK_TASKS, account_id, sorted(plan.task_ids))
    return frozenset(row["task_id"] for row in rows)


DELETE_PLAN = "delete from trigger.plan where account_id = $1 and plan_id = $2"


async def delete(connection: PoolConnectionProxy, account_id: int, plan_id: int) -> bool:
    """Deletes a plan; whether it was there. ForeignKeyViolationError when a trigger names it."""
    status: str = await connection.execute(DELETE_PLAN, account_id, plan_id)
    return status == "DELETE 1"


# Along the plan's executions of 30 days at most; a deletion is rare.
UNFINISHED = """
select exists (select from trigger.execution e
                where (e.plan_id, e.execution_id) >= ($1, 0) and (e.plan_id, e.execution_id) < ($1 + 1, 0)
                  and e.finished_at is null)
"""


async def is_under_way(connection: PoolConnectionProxy, plan_id: int) -> bool:
    """Whether an execution of it waits or runs."""
    found: bool = await connection.fetchval(UNFINISHED, plan_id)
    return found


def _values(plan: NewPlan) -> tuple[object, ...]:
    return (
        plan.account_id,
        plan.name,
        plan.failure_handler_task_id,
        int(plan.timeout_seconds),
        plan.allow_parallel_runs,
        plan.queue_limit.executions,
        plan.queue_limit.mode,
        plan.queue_limit.count,
    )


def _plan(row: asyncpg.Record) -> Plan:
    values = dict(row)
    limit = QueueLimit(
        executions=values.pop("queue_limit"), mode=values.pop("queue_mode"), count=values.pop("queue_count")
    )
    steps = tuple(Step(name=one["name"], task_ids=tuple(one["task_ids"])) for one in json.loads(values.pop("steps")))
    return Plan(**values, steps=steps, queue_limit=limit)
