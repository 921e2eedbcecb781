"""Executions and runs as their account reads them."""

from collections import defaultdict
from collections.abc import Iterable

import asyncpg

from trigger_svc.execution import Execution
from trigger_svc.run import Run

FIND_EXECUTION = """
select e.execution_id as key, e.public_id, e.account_id, coalesce(e.task_id, 0) as task_id, coalesce(e.plan_id, 0) as plan_id,
       coalesce(t.public_id, d.public_trigger_id, '') as trigger_id, coalesce(e.window_id, 0) as window_id, e.state, e.reason,
       e.call_count, e.created_at, e.finished_at, e.cause, coalesce(o.public_id, '') as rerun_of,
       case when e.started_at is null then 0 else e.step end as step, e.payload_bytes
  from trigger.execution e
  left join trigger.trigger t on t.trigger_id = e.trigger_id
  left join trigger.audit d on d.trigger_id = e.trigger_id and d.what = 'trigger_deleted'
  left join trigger.execution o on o.execution_id = e.rerun_of
 where e.public_id = $2 and e.account_id = $1
"""


async def find(pool: asyncpg.Pool, account_id: int, public_id: str) -> Execution | None:
    """An execution of the account with its runs."""
    executions = await _with_runs(pool, await pool.fetch(FIND_EXECUTION, account_id, public_id))
    return executions[0] if executions else None


READ_EXECUTIONS = """
select e.execution_id as key, e.public_id, e.account_id, coalesce(e.task_id, 0) as task_id, coalesce(e.plan_id, 0) as plan_id,
       coalesce(t.public_id, d.public_trigger_id, '') as trigger_id, coalesce(e.window_id, 0) as window_id, e.state, e.reason,
       e.call_count, e.created_at, e.finished_at, e.cause, coalesce(o.public_id, '') as rerun_of,
       case when e.started_at is null then 0 else e.step end as step, e.payload_bytes
  from trigger.execution e
  left join trigger.trigger t on t.trigger_id = e.trigger_id
  left join trigger.audit d on d.trigger_id = e.trigger_id and d.what = 'trigger_deleted'
  left join trigger.execution o on o.execution_id = e.rerun_of
 where e.execution_id = any($1::bigint[])
 order by e.execution_id desc
"""


async def read(pool: asyncpg.Pool, keys: list[int]) -> list[Execution]:
    """The executions with these keys and their runs, newest first."""
    return await _with_runs(pool, await pool.fetch(READ_EXECUTIONS, keys)) if keys else []


LIST_RUNS = """
select r.execution_id as key, r.run_id, r.account_id, r.task_id, e.public_id as execution_id, r.state, r.reason,
       r.message, r.exit_code, r.created_at, r.started_at, r.finished_at, r.log_bytes, r.log_truncated,
       coalesce(r.summary, '') as summary, r.step,
       array(select a.name from trigger.artifact a where a.run_id = r.run_id order by a.name) as artifact_names
  from trigger.run r join trigger.execution e on e.execution_id = r.execution_id
 where r.execution_id = any($1::bigint[])
 order by r.execution_id, r.run_id
"""
FIND_RUN = """
select r.execution_id as key, r.run_id, r.account_id, r.task_id, e.public_id as execution_id, r.state, r.reason,
       r.message, r.exit_code, r.created_at, r.started_at, r.finished_at, r.log_bytes, r.log_truncated,
       coalesce(r.summary, '') as summary, r.step,
       array(select a.name from trigger.artifact a where a.run_id = r.run_id order by a.name) as artifact_names
  from trigger.run r join trigger.execution e on e.execution_id = r.execution_id
 where r.run_id = $2 and r.account_id = $1
"""


async def find_run(pool: asyncpg.Pool, account_id: int, run_id: int) -> Run | None:
    """A run of the account."""
    row = await pool.fetchrow(FIND_RUN, account_id, run_id)
    return None if row is None else _run(row)


async def _with_runs(pool: asyncpg.Pool, rows: Iterable[asyncpg.Record]) -> list[Execution]:
    rows = list(rows)
    runs: defaultdict[int, list[Run]] = defaultdict(list)
    for row in await pool.fetch(LIST_RUNS, [row["key"] for row in rows]):
        runs[row["key"]].append(_run(row))
    return [Execution(**row, runs=tuple(runs[row["key"]])) for row in rows]


def _run(row: asyncpg.Record) -> Run:
    values = {name: value for name, value in row.items() if name != "key"}
    return Run(**{**values, "artifact_names": tuple(row["artifact_names"])})
