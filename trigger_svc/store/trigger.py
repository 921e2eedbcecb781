"""Triggers as they are configured, read together with what their heads say of them."""

import json
from datetime import datetime

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_svc.schedule import Cron
from trigger_svc.trigger import NewTrigger, Trigger

INSERT_TRIGGER = """
insert into trigger.trigger
    (public_id, account_id, task_id, plan_id, kind, name, data_mode, cron_expression, time_zone, start_at, verification,
     call_rules, next_start_at)
values ($1, $2, nullif($3::bigint, 0), nullif($4::bigint, 0), $5, $6, $7, $8, $9, $10, $11, $12, $13)
returning trigger_id
"""


async def insert(
    connection: PoolConnectionProxy, public_id: str, trigger: NewTrigger, *, next_start_at: datetime | None
) -> int:
    """Stores a trigger whose fields are good, but for head, token and secrets; its id.

    UniqueViolationError when its target has a webhook already; ForeignKeyViolationError when it has triggers of the other sort.
    """
    made: int = await connection.fetchval(
        INSERT_TRIGGER,
        public_id,
        trigger.account_id,
        trigger.task_id,
        trigger.plan_id,
        trigger.kind,
        trigger.name,
        trigger.data_mode,
        *_schedule_and_rules(trigger),
        next_start_at,
    )
    return made


FIND_TRIGGER = """
select t.trigger_id, t.public_id, t.account_id, coalesce(t.task_id, 0) as task_id, coalesce(t.plan_id, 0) as plan_id, t.kind,
       t.name, t.data_mode, t.created_at, t.enabled, coalesce(h.threshold, 0) as threshold,
       coalesce(h.duration_seconds, 0) as duration_seconds, t.start_at, t.cron_expression, t.time_zone, t.next_start_at,
       t.verification, t.call_rules, t.version,
       (select count(*)::integer from trigger.verification_secret s where s.trigger_id = t.trigger_id) as secret_count
  from trigger.trigger t left join trigger.head h on h.trigger_id = t.trigger_id
 where t.public_id = $2 and t.account_id = $1
"""


async def find(connection: asyncpg.Pool | PoolConnectionProxy, account_id: int, public_id: str) -> Trigger | None:
    """A trigger of the account."""
    row = await connection.fetchrow(FIND_TRIGGER, account_id, public_id)
    return None if row is None else _trigger(row)


# Compared as rows, so that only trigger_account gives this order and not the key of all triggers.
LIST_TRIGGERS = """
select t.trigger_id, t.public_id, t.account_id, coalesce(t.task_id, 0) as task_id, coalesce(t.plan_id, 0) as plan_id, t.kind,
       t.name, t.data_mode, t.created_at, t.enabled, coalesce(h.threshold, 0) as threshold,
       coalesce(h.duration_seconds, 0) as duration_seconds, t.start_at, t.cron_expression, t.time_zone, t.next_start_at,
       t.verification, t.call_rules, t.version,
       (select count(*)::integer from trigger.verification_secret s where s.trigger_id = t.trigger_id) as secret_count
  from trigger.trigger t left join trigger.head h on h.trigger_id = t.trigger_id
 where (t.account_id, t.trigger_id) > ($1, $2) and (t.account_id, t.trigger_id) <= ($1, 9223372036854775807)
 order by t.account_id, t.trigger_id
 limit $3
"""


async def list_oldest(pool: asyncpg.Pool, account_id: int, *, above: int, most: int) -> list[Trigger]:
    """Triggers of the account with ids above `above`, oldest first."""
    return [_trigger(row) for row in await pool.fetch(LIST_TRIGGERS, account_id, above, most)]


LOCK_HEAD = """
select h.trigger_id from trigger.head h
 where h.trigger_id = (select t.trigger_id from trigger.trigger t where t.public_id = $2 and t.account_id = $1)
   for no key update
"""
LOCK_TRIGGER = "select trigger_id from trigger.trigger where public_id = $2 and account_id = $1 for no key update"


async def lock(connection: PoolConnectionProxy, account_id: int, public_id: str) -> None:
    """Makes this transaction the only one that changes a trigger: its head first, as everywhere."""
    await connection.fetchval(LOCK_HEAD, account_id, public_id)
    await connection.fetchval(LOCK_TRIGGER, account_id, public_id)


UPDATE_TRIGGER = """
update trigger.trigger
   set name = $2, data_mode = $3, cron_expression = $4, time_zone = $5, start_at = $6, verification = $7, call_rules = $8,
       enabled = $9, next_start_at = $10, version = version + 1
 where trigger_id = $1
"""
UPDATE_HEAD = "update trigger.head set threshold = $2, duration_seconds = $3, enabled = $4 where trigger_id = $1"


async def update(
    connection: PoolConnectionProxy,
    trigger_id: int,
    trigger: NewTrigger,
    *,
    enabled: bool,
    next_start_at: datetime | None,
) -> None:
    """Replaces a trigger that is locked by one whose fields are good. Its open window keeps what it was opened with."""
    await connection.execute(
        UPDATE_TRIGGER,
        trigger_id,
        trigger.name,
        trigger.data_mode,
        *_schedule_and_rules(trigger),
        enabled,
        next_start_at,
    )
    if trigger.is_webhook:
        await connection.execute(UPDATE_HEAD, trigger_id, trigger.threshold, int(trigger.duration_seconds), enabled)


DELETE_TRIGGER = "delete from trigger.trigger where trigger_id = $1"


async def delete(connection: PoolConnectionProxy, trigger_id: int) -> None:
    """Deletes a trigger with its head, tokens and secrets; its windows, calls and executions stay."""
    await connection.execute(DELETE_TRIGGER, trigger_id)


COUNT_TRIGGERS = "select count(*) from trigger.trigger where task_id = $1 or plan_id = $2"


async def count(connection: PoolConnectionProxy, *, task_id: int, plan_id: int) -> int:
    """How many a task, or else a plan, has."""
    found: int = await connection.fetchval(COUNT_TRIGGERS, task_id, plan_id)
    return found


def _schedule_and_rules(trigger: NewTrigger) -> tuple[object, ...]:
    cron = trigger.cron
    return (
        None if cron is None else cron.expression,
        None if cron is None else cron.time_zone,
        trigger.start_at,
        json.dumps(trigger.verification) if trigger.verification else None,
        json.dumps(trigger.call_rules) if trigger.call_rules else None,
    )


def _trigger(row: asyncpg.Record) -> Trigger:
    values = dict(row)
    expression, time_zone = values.pop("cron_expression"), values.pop("time_zone")
    for name in ("verification", "call_rules"):
        values[name] = None if values[name] is None else json.loads(values[name])
    return Trigger(**values, cron=None if expression is None else Cron(expression=expression, time_zone=time_zone))
