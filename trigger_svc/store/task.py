"""Tasks."""

import json
from collections.abc import Sequence

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_svc.task import NewTask, Parameter, QueueLimit, Task

INSERT_TASK = """
insert into trigger.task
    (account_id, name, kind, command, slots, parameters, timeout_seconds, allow_parallel_runs, max_attempts,
     environment_id, environment_name, project_id, project_name, dbt_version, queue_limit, queue_mode, queue_count)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
returning task_id, account_id, name, kind, command, slots, parameters, timeout_seconds, allow_parallel_runs,
          max_attempts, environment_id, environment_name, project_id, project_name, dbt_version, queue_limit, queue_mode,
          queue_count, paused, version, created_at
"""


async def insert(pool: asyncpg.Pool | PoolConnectionProxy, task: NewTask) -> Task:
    """Stores a task whose fields are good."""
    [row] = await pool.fetch(INSERT_TASK, *_values(task))
    return _task(row)


# What is read of a task, whichever is asked for.
_TASKS = """
select task_id, account_id, name, kind, command, slots, parameters, timeout_seconds, allow_parallel_runs, max_attempts,
       environment_id, environment_name, project_id, project_name, dbt_version, queue_limit, queue_mode, queue_count, paused,
       version, created_at
  from trigger.task"""

FIND_TASK = f"""{_TASKS}
 where account_id = $1 and task_id = $2
"""


async def find(connection: asyncpg.Pool | PoolConnectionProxy, account_id: int, task_id: int) -> Task | None:
    """A task of the account."""
    row = await connection.fetchrow(FIND_TASK, account_id, task_id)
    return None if row is None else _task(row)


# Compared as rows, so that only task_account gives this order and not the key of all tasks.
LIST_TASKS = f"""{_TASKS}
 where (account_id, task_id) > ($1, $2) and (account_id, task_id) <= ($1, 9223372036854775807)
 order by account_id, task_id
 limit $3
"""


async def list_oldest(pool: asyncpg.Pool, account_id: int, *, above: int, most: int) -> list[Task]:
    """Tasks of the account with ids above `above`, oldest first."""
    return [_task(row) for row in await pool.fetch(LIST_TASKS, account_id, above, most)]


LIST_NAMED_TASKS = f"""{_TASKS}
 where account_id = $1 and task_id = any($2::bigint[]) and task_id > $3
 order by task_id
 limit $4
"""


async def list_named(pool: asyncpg.Pool, account_id: int, ids: Sequence[int], *, above: int, most: int) -> list[Task]:
    """Those of the account that have one of these ids, above `above`, oldest first."""
    return [_task(row) for row in await pool.fetch(LIST_NAMED_TASKS, account_id, ids, above, most)]


LOCK_TASK = "select task_id from trigger.task where account_id = $1 and task_id = $2 for no key update"


async def lock(connection: PoolConnectionProxy, account_id: int, task_id: int) -> None:
    """Makes this transaction the only one that changes a task or its triggers."""
    await connection.fetchval(LOCK_TASK, account_id, task_id)


UPDATE_TASK = """
update trigger.task
   set name = $3, kind = $4, command = $5, slots = $6, parameters = $7, timeout_seconds = $8, allow_parallel_runs = $9,
       max_attempts = $10, environment_id = $11, environment_name = $12, project_id = $13, project_name = $14,
       dbt_version = $15, queue_limit = $16, queue_mode = $17, queue_count = $18, version = version + 1
 where task_id = $1 and account_id = $2
returning task_id, account_id, name, kind, command, slots, parameters, timeout_seconds, allow_parallel_runs,
          max_attempts, environment_id, environment_name, project_id, project_name, dbt_version, queue_limit, queue_mode,
          queue_count, paused, version, created_at
"""


async def update(connection: PoolConnectionProxy, task_id: int, task: NewTask) -> Task:
    """Replaces a task that is there by one whose fields are good."""
    [row] = await connection.fetch(UPDATE_TASK, task_id, *_values(task))
    return _task(row)


DELETE_TASK = "delete from trigger.task where account_id = $1 and task_id = $2"


async def delete(connection: PoolConnectionProxy, account_id: int, task_id: int) -> bool:
    """Deletes a task; whether it was there. ForeignKeyViolationError when a trigger or plan names it."""
    status: str = await connection.execute(DELETE_TASK, account_id, task_id)
    return status == "DELETE 1"


# Along the task's executions of 30 days at most; a deletion is rare.
UNFINISHED = """
select exists (select from trigger.execution e
                where (e.task_id, e.execution_id) >= ($1, 0) and (e.task_id, e.execution_id) < ($1 + 1, 0)
                  and e.finished_at is null)
"""


async def is_under_way(connection: PoolConnectionProxy, task_id: int) -> bool:
    """Whether an execution of it waits or runs."""
    found: bool = await connection.fetchval(UNFINISHED, task_id)
    return found


def _values(task: NewTask) -> tuple[object, ...]:
    return (
        task.account_id,
        task.name,
        task.kind,
        task.command,
        json.dumps(dict(task.slots)),
        json.dumps([{"name": one.name, "default_value": one.default_value} for one in task.parameters]),
        int(task.timeout_seconds),
        task.allow_parallel_runs,
        task.max_attempts,
        task.environment_id,
        task.environment_name,
        task.project_id,
        task.project_name,
        task.dbt_version,
        task.queue_limit.executions,
        task.queue_limit.mode,
        task.queue_limit.count,
    )


def _task(row: asyncpg.Record) -> Task:
    values = dict(row)
    limit = QueueLimit(
        executions=values.pop("queue_limit"), mode=values.pop("queue_mode"), count=values.pop("queue_count")
    )
    parameters = tuple(Parameter(**one) for one in json.loads(values.pop("parameters")))
    return Task(**values | {"slots": json.loads(row["slots"]), "parameters": parameters, "queue_limit": limit})
