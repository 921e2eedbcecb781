"""Lists of executions, newest first: the keys of a page along the index of what is asked for, then its executions.

Keys are compared as rows, so that only that index gives their order: with an equation the planner may walk all executions in
the order of their keys instead. What is asked for beyond an index holds for nearly all that it gives.
"""

from dataclasses import dataclass

import asyncpg

from trigger_svc.execution import Execution, Wanted
from trigger_svc.store import execution as executions

KEYS = """
select e.execution_id
  from trigger.execution e
 where (e.account_id, e.execution_id) < ($1, $2) and (e.account_id, e.execution_id) > ($1, 0)
 order by e.account_id desc, e.execution_id desc
 limit $3
"""
KEYS_IN_STATE = """
select e.execution_id
  from trigger.execution e
 where (e.account_id, e.state, e.execution_id) < ($1, $4, $2) and (e.account_id, e.state, e.execution_id) > ($1, $4, 0)
 order by e.account_id desc, e.state desc, e.execution_id desc
 limit $3
"""
KEYS_OF_TASK = """
select e.execution_id
  from trigger.execution e
 where (e.task_id, e.execution_id) < ($4, $2) and (e.task_id, e.execution_id) > ($4, 0) and e.account_id = $1
 order by e.task_id desc, e.execution_id desc
 limit $3
"""
KEYS_OF_PLAN = """
select e.execution_id
  from trigger.execution e
 where (e.plan_id, e.execution_id) < ($4, $2) and (e.plan_id, e.execution_id) > ($4, 0) and e.account_id = $1
 order by e.plan_id desc, e.execution_id desc
 limit $3
"""
KEYS_OF_TRIGGER = """
select e.execution_id
  from trigger.execution e
 where (e.trigger_id, e.execution_id) < ($4, $2) and (e.trigger_id, e.execution_id) > ($4, 0) and e.account_id = $1
 order by e.trigger_id desc, e.execution_id desc
 limit $3
"""
# Of a task, of a plan (as a negative number), or of a trigger of it.
KEYS_OF_TARGET_IN_STATE = """
select e.execution_id
  from trigger.execution e
 where (e.target, e.state, e.execution_id) < ($4, $5, $2) and (e.target, e.state, e.execution_id) > ($4, $5, 0)
   and e.account_id = $1 and ($6::bigint is null or e.trigger_id = $6)
 order by e.target desc, e.state desc, e.execution_id desc
 limit $3
"""
KEY_OF_WINDOW = """
select e.execution_id
  from trigger.execution e
 where e.window_id = $4 and e.account_id = $1 and e.execution_id < $2 and ($5::text is null or e.state = $5)
   and ($6::bigint is null or e.target = $6) and ($7::bigint is null or e.trigger_id = $7)
 limit $3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A trigger by its internal id, with what it starts or started: a task, or a plan as a negative number."""

    trigger_id: int
    target: int


FIND_SOURCE = """
select g.trigger_id, coalesce(g.task_id, -g.plan_id) as target
  from trigger.trigger g
 where g.public_id = $2 and g.account_id = $1
union all
select d.trigger_id, e.target
  from trigger.audit d
 cross join lateral (
       select x.target from trigger.execution x
        where (x.trigger_id, x.execution_id) > (d.trigger_id, 0) and (x.trigger_id, x.execution_id) < (d.trigger_id + 1, 0)
        order by x.trigger_id, x.execution_id
        limit 1) e
 where d.public_trigger_id = $2 and d.what = 'trigger_deleted' and d.account_id = $1
"""


async def source(pool: asyncpg.Pool, account_id: int, public_trigger_id: str) -> Source | None:
    """A trigger of the account, or one that was deleted and has executions left."""
    row = await pool.fetchrow(FIND_SOURCE, account_id, public_trigger_id)
    return None if row is None else Source(**row)


async def newest(
    pool: asyncpg.Pool, account_id: int, wanted: Wanted, source: Source | None, *, below: int, most: int
) -> list[Execution]:
    """Those that are wanted, with keys below `below`. `source` is the trigger of `wanted`, if that names one."""
    page = (account_id, below, most)
    target = wanted.task_id or -wanted.plan_id or (source.target if source else None)
    trigger_id = source.trigger_id if source else None
    state = wanted.state or None
    if source and source.target != target:
        return []
    if wanted.window_id:
        rows = await pool.fetch(KEY_OF_WINDOW, *page, wanted.window_id, state, target, trigger_id)
    elif state and target:
        rows = await pool.fetch(KEYS_OF_TARGET_IN_STATE, *page, target, state, trigger_id)
    elif state:
        rows = await pool.fetch(KEYS_IN_STATE, *page, state)
    elif trigger_id:
        rows = await pool.fetch(KEYS_OF_TRIGGER, *page, trigger_id)
    elif wanted.task_id:
        rows = await pool.fetch(KEYS_OF_TASK, *page, wanted.task_id)
    elif wanted.plan_id:
        rows = await pool.fetch(KEYS_OF_PLAN, *page, wanted.plan_id)
    else:
        rows = await pool.fetch(KEYS, *page)
    return await executions.read(pool, [row["execution_id"] for row in rows])
