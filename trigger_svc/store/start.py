"""Executions that are asked for: started by hand or by a schedule, rerun, cancelled; tasks and plans that are paused.

Each is one function call, which takes the lock of the task or plan: whoever is stopped in the middle stops nobody.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg
from asyncpg.pool import PoolConnectionProxy


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What became of a wish: the answer of the SQL function, and the execution where there is one."""

    answer: str
    execution_id: str | None
    state: str | None


START_EXECUTION = """
select answer, execution_id, state
  from trigger.start_execution($1, $2, nullif($3::bigint, 0), nullif($4::bigint, 0), $5, $6, nullif($7, ''), $8,
                               nullif($9, ''::bytea), nullif($10, ''), $11)
"""


async def start(
    connection: asyncpg.Pool | PoolConnectionProxy,
    public_id: str,
    *,
    account_id: int,
    task_id: int = 0,
    plan_id: int = 0,
    cause: str,
    trigger_id: int | None = None,
    run_reason: str = "",
    parameters: Mapping[str, str] | None = None,
    payload: bytes = b"",
    request_id: str = "",
    request_hash: bytes | None = None,
) -> Started:
    """Starts a task or plan; `cause` is manual, once or cron. Answers: STARTED (its state may be REJECTED or FAILED), REPEATED,
    REQUEST_ID_TAKEN, QUEUE_FULL (of manual alone), TARGET_MISSING."""
    [row] = await connection.fetch(
        START_EXECUTION,
        public_id,
        account_id,
        task_id,
        plan_id,
        cause,
        trigger_id,
        run_reason,
        json.dumps(dict(parameters)) if parameters else None,
        payload,
        request_id,
        request_hash,
    )
    return Started(**row)


RERUN_EXECUTION = "select answer, execution_id, state from trigger.rerun_execution($1, $2, $3, $4)"


async def rerun(
    pool: asyncpg.Pool, public_id: str, *, account_id: int, execution_id: str, from_failed_step: bool
) -> Started:
    """Executes again. Answers: STARTED, NOT_FOUND, NOT_FINISHED, NO_FAILED_STEP, TARGET_MISSING, QUEUE_FULL."""
    [row] = await pool.fetch(RERUN_EXECUTION, public_id, account_id, execution_id, from_failed_step)
    return Started(**row)


CANCEL_EXECUTION = "select trigger.cancel_execution($1, $2)"


async def cancel(pool: asyncpg.Pool, account_id: int, execution_id: str) -> str:
    """Cancels an execution and its runs: CANCELLED, REPEATED, FINISHED or NOT_FOUND."""
    answer: str = await pool.fetchval(CANCEL_EXECUTION, account_id, execution_id)
    return answer


PAUSE_TARGET = "select trigger.pause_target($1, $2, $3)"


async def pause(pool: asyncpg.Pool, account_id: int, *, task_id: int = 0, plan_id: int = 0, paused: bool) -> bool:
    """Pauses a task or plan, or resumes it; False when the account has none such."""
    found: bool = await pool.fetchval(PAUSE_TARGET, account_id, task_id or -plan_id, paused)
    return found


TAKERS = """
select t.kind, t.parameters
  from trigger.task t
 where t.account_id = $1
   and (t.task_id = $2
        or t.task_id in (select s.task_id from trigger.plan_step_task s join trigger.plan p on p.plan_id = s.plan_id
                          where s.plan_id = $3 and s.step = 1 and p.account_id = $1))
"""


async def takers(pool: asyncpg.Pool, account_id: int, *, task_id: int, plan_id: int) -> list[tuple[str, list[str]]]:
    """Kind and names of parameters of the tasks that an execution of it would start with; none: it is not there."""
    rows = await pool.fetch(TAKERS, account_id, task_id, plan_id)
    return [(row["kind"], [one["name"] for one in json.loads(row["parameters"])]) for row in rows]
