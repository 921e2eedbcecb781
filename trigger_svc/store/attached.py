"""The webhooks whose calls a task or plan gets: what must go on holding when one of these is edited.

Locks are taken in the order head, plan, task, as everywhere.
"""

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_svc.task import PAYLOAD
from trigger_svc.window import MOST_BYTES

LOCK_HEADS_OF_TASK = """
select h.trigger_id from trigger.head h
 where h.trigger_id = any(array(
       select g.trigger_id from trigger.trigger g where g.task_id = $1 and g.kind = 'webhook'
        union all
       select g.trigger_id from trigger.plan_step_task s join trigger.trigger g on g.plan_id = s.plan_id
        where s.task_id = $1 and s.step = 1 and g.kind = 'webhook'))
 order by h.trigger_id for no key update
"""
LOCK_PLANS_OF_TASK = """
select p.plan_id from trigger.plan p
 where p.plan_id = any(array(
       select s.plan_id from trigger.plan_step_task s join trigger.trigger g on g.plan_id = s.plan_id
        where s.task_id = $1 and s.step = 1 and g.kind = 'webhook'))
 order by p.plan_id for no key update
"""
LOCK_HEADS_OF_PLAN = """
select h.trigger_id from trigger.head h
 where h.trigger_id = any(array(select g.trigger_id from trigger.trigger g where g.plan_id = $1 and g.kind = 'webhook'))
 order by h.trigger_id for no key update
"""


async def lock_of_task(connection: PoolConnectionProxy, task_id: int) -> None:
    """Holds what gets its calls to this task: heads, and the plans that begin with it."""
    await connection.fetch(LOCK_HEADS_OF_TASK, task_id)
    await connection.fetch(LOCK_PLANS_OF_TASK, task_id)


async def lock_of_plan(connection: PoolConnectionProxy, plan_id: int) -> None:
    """Holds the heads that get their calls to this plan."""
    await connection.fetch(LOCK_HEADS_OF_PLAN, plan_id)


# What its windows may hold is what the strictest of the tasks takes that get them.
MOST_BYTES_OF = """
select min(case when t.kind = 'big_data' then $4::integer else $3::integer end)
  from trigger.task t
 where t.parameters @> jsonb_build_array(jsonb_build_object('name', $5::text))
   and t.task_id = any(case when $1::bigint > 0 then array[$1::bigint] else array(
       select s.task_id from trigger.plan_step_task s where s.plan_id = $2 and s.step = 1) end)
"""


async def most_bytes(connection: PoolConnectionProxy, *, task_id: int, plan_id: int) -> int | None:
    """How many bytes a window for this task, or else plan, may hold; None when none of its tasks takes any."""
    found: int | None = await connection.fetchval(
        MOST_BYTES_OF, task_id, plan_id, MOST_BYTES["standard"], MOST_BYTES["big_data"], PAYLOAD
    )
    return found


WEBHOOKS_OF_TASK = """
select g.trigger_id, coalesce(g.task_id, 0) as task_id, coalesce(g.plan_id, 0) as plan_id
  from trigger.trigger g where g.task_id = $1 and g.kind = 'webhook'
 union all
select g.trigger_id, 0, g.plan_id from trigger.plan_step_task s join trigger.trigger g on g.plan_id = s.plan_id
 where s.task_id = $1 and s.step = 1 and g.kind = 'webhook'
"""
WEBHOOKS_OF_PLAN = """
select g.trigger_id, 0::bigint as task_id, g.plan_id from trigger.trigger g where g.plan_id = $1 and g.kind = 'webhook'
"""
SET_MOST_BYTES = "update trigger.head set max_bytes = $2 where trigger_id = $1 and max_bytes <> $2"


async def refit_task(connection: PoolConnectionProxy, task_id: int) -> bool:
    """Makes the webhooks of a task that was changed obey it; False when one has no task any more that takes a payload.

    CheckViolationError when an open window holds more than it may from now on.
    """
    return await _refit(connection, await connection.fetch(WEBHOOKS_OF_TASK, task_id))


async def refit_plan(connection: PoolConnectionProxy, plan_id: int) -> bool:
    """The same for a plan."""
    return await _refit(connection, await connection.fetch(WEBHOOKS_OF_PLAN, plan_id))


async def _refit(connection: PoolConnectionProxy, webhooks: list[asyncpg.Record]) -> bool:
    for row in webhooks:
        most = await most_bytes(connection, task_id=row["task_id"], plan_id=row["plan_id"])
        if most is None:
            return False
        await connection.execute(SET_MOST_BYTES, row["trigger_id"], most)
    return True
