"""Tasks."""

import json

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_svc.task import NewTask, Parameter, Task

INSERT_TASK = """
insert into trigger.task
    (account_id, name, kind, command, slots, parameters, timeout_seconds, allow_parallel_runs, max_attempts,
     environment_id, environment_name, project_id, project_name, dbt_version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
returning task_id, account_id, name, kind, command, slots, parameters, timeout_seconds, allow_parallel_runs,
          max_attempts, environment_id, environment_name, project_id, project_name, dbt_version, created_at
"""


async def insert(pool: asyncpg.Pool, task: NewTask) -> Task:
    """Stores a task whose fields are good."""
    parameters = [{"name": one.name, "default_value": one.default_value} for one in task.parameters]
    [row] = await pool.fetch(
        INSERT_TASK,
        task.account_id,
        task.name,
        task.kind,
        task.command,
        json.dumps(dict(task.slots)),
        json.dumps(parameters),
        int(task.timeout_seconds),
        task.allow_parallel_runs,
        task.max_attempts,
        task.environment_id,
        task.environment_name,
        task.project_id,
        task.project_name,
        task.dbt_version,
    )
    return _task(row)


FIND_TASK = """
select task_id, account_id, name, kind, command, slots, parameters, timeout_seconds, allow_parallel_runs, max_attempts,
       environment_id, environment_name, project_id, project_name, dbt_version, created_at
  from trigger.task
 where account_id = $1 and task_id = $2
"""


async def find(connection: asyncpg.Pool | PoolConnectionProxy, account_id: int, task_id: int) -> Task | None:
    """A task of the account."""
    row = await connection.fetchrow(FIND_TASK, account_id, task_id)
    return None if row is None else _task(row)


LOCK_TASK = "select task_id from trigger.task where account_id = $1 and task_id = $2 for share"


async def lock(connection: PoolConnectionProxy, account_id: int, task_id: int) -> None:
    """Keeps a task as it is until the transaction ends."""
    await connection.fetchval(LOCK_TASK, account_id, task_id)


def _task(row: asyncpg.Record) -> Task:
    parameters = (Parameter(**one) for one in json.loads(row["parameters"]))
    return Task(**{**row, "slots": json.loads(row["slots"]), "parameters": tuple(parameters)})
