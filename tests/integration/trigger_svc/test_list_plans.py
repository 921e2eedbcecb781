"""Pages of tasks, plans, triggers and windows read as many rows as they show, however many there are; of calls, those of
their window, which has 10,000 at most.

Counted by Postgres itself: rows fetched by index, and none by a sequential scan. Executions are in test_query_plans.py.
"""

from typing import Any

import asyncpg

from tests.support.postgres import Database
from tests.support.trigger import pod
from trigger_svc.store import plan_config as plans
from trigger_svc.store import task as tasks
from trigger_svc.store import trigger as triggers
from trigger_svc.store import window_list as windows

ROWS = 8_000
PAGE = 21
LAST = 2**63 - 1
NAMED = list(range(1, 2 * PAGE))
#: Half of all is account 1's; of the windows and calls, half is trigger 1's.
FILL = (
    """
    insert into trigger.task
        (account_id, name, kind, command, slots, parameters, timeout_seconds, allow_parallel_runs, max_attempts,
         environment_id, environment_name, project_id, project_name, dbt_version)
    select 1 + n % 2, 't', 'standard', 'c', '{}', '[]', 60, false, 1, 1, 'e', 1, 'p', '' from generate_series(1, $1) n
    """,
    """
    insert into trigger.plan
        (account_id, name, timeout_seconds, allow_parallel_runs, queue_limit, queue_mode, queue_count)
    select 1 + n % 2, 'p', 60, false, 50, 'fail', 'concurrent' from generate_series(1, $1) n
    """,
    "insert into trigger.plan_step (plan_id, step, name) select p.plan_id, 1, 's' from trigger.plan p where $1 > 0",
    """
    insert into trigger.plan_step_task (plan_id, step, task_id) select p.plan_id, 1, p.plan_id from trigger.plan p where $1 > 0
    """,
    "insert into trigger.target (target, sort) select 'task:' || t.task_id, 'schedule' from trigger.task t where $1 > 0",
    """
    insert into trigger.trigger (public_id, account_id, task_id, name, data_mode, kind, start_at)
    select 'trg_' || lpad(t.task_id::text, 27, '0'), t.account_id, t.task_id, 'x', 'string', 'once', now()
      from trigger.task t where $1 > 0
    """,
    """
    insert into trigger.head (trigger_id, account_id, threshold, duration_seconds, max_bytes)
    select t.trigger_id, t.account_id, 5, 60, 1000 from trigger.trigger t where $1 > 0
    """,
    """
    insert into trigger.window
        (window_id, trigger_id, account_id, state, threshold, first_seq, opened_at, deadline_at, size, bytes, closed_at,
         close_reason)
    select n, 1 + n % 2, 1, 'CLOSED', 10000, n, now(), now(), $1, 99, now(), 'deadline' from generate_series(1, $1) n
    """,
    """
    insert into trigger.call (received_day, trigger_id, seq, window_id, account_id, call_id, media_type, body, received_at)
    select (now() at time zone 'UTC')::date, 1 + n % 2, n, 1, 1, 'cal_' || n, 'text/plain', 'x', now()
      from generate_series(1, $1) n
    """,
)
TOUCHED = """
select relname, seq_tup_read, idx_tup_fetch
  from pg_stat_xact_user_tables where schemaname = 'trigger' and coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) > 0
"""


async def _touched(connection: Any, statement: str, *arguments: Any) -> dict[str, tuple[int, int]]:
    """Rows read by sequential scan and by index, per table, of one statement that is planned for any arguments."""
    await connection.execute("select pg_stat_force_next_flush()")
    async with connection.transaction():
        await connection.execute("set local plan_cache_mode = force_generic_plan")
        await connection.fetch(statement, *arguments)
        rows = await connection.fetch(TOUCHED)
    return {row["relname"]: (row["seq_tup_read"], row["idx_tup_fetch"] or 0) for row in rows}


async def test_a_page_of_a_list_reads_no_more_than_it_shows(database: Database) -> None:
    owner = await asyncpg.connect(database.owner_url)
    for statement in FILL:
        await owner.execute(statement, ROWS)
    today = await owner.fetchval("select (now() at time zone 'UTC')::date")
    await owner.execute("analyze")
    await owner.close()
    middle = ROWS // 2
    statements: list[tuple[str, tuple[Any, ...]]] = [
        (tasks.LIST_TASKS, (1, middle, PAGE)),
        (plans.LIST_PLANS, (1, middle, PAGE)),
        (tasks.LIST_NAMED_TASKS, (1, NAMED, 0, PAGE)),
        (plans.LIST_NAMED_PLANS, (1, NAMED, 0, PAGE)),
        (triggers.LIST_TRIGGERS, (1, middle, PAGE)),
        (windows.LIST_WINDOWS, (1, LAST, PAGE)),
        (windows.FIND_WINDOW, (2, 1)),
        (windows.LIST_CALLS, (today, today, 1, middle, middle + 100, PAGE)),
        (windows.READ_BODIES, (today, today, 1, middle, middle + 2 * PAGE)),
    ]
    async with pod(database) as one, one.pool.acquire() as connection:
        for statement, arguments in statements:
            for table, (scanned, fetched) in (await _touched(connection, statement, *arguments)).items():
                assert scanned == 0, f"a sequential scan of {table} by {statement}"
                assert fetched <= 3 * PAGE, f"{fetched} rows of {table} by {statement}"
