"""Logs, artifacts and pruning read what they name, however much else is kept. Counted by Postgres itself."""

from typing import Any

import asyncpg

from tests.support.postgres import Database
from tests.support.trigger import pod
from trigger_svc.store import artifact, prune, run_log

ROWS = 20_000
PAGE = 500
FILL = (
    """
    insert into trigger.execution
        (public_id, account_id, task_id, call_count, exclusive, state, created_at, turn_at, started_at, finished_at, queued_at,
         payload_of, window_id)
    select 'exe_' || substr(md5(n::text || random()::text), 1, 27), 1, 1000000 + n % 9, 1, true, 'SUCCEEDED', a.t, a.t, a.t,
           a.t, a.t, case when n % 100 = 0 then n - 1 end, n
      from generate_series(1, $1) n cross join lateral (select now() - interval '40 days' * (1 - n / 20000.0) as t) a
     order by n
    """,
    """
    insert into trigger.run
        (account_id, task_id, execution_id, command, task_name, environment_id, environment_name, project_id, project_name,
         dbt_version, run_reason, max_attempts, attempts, state, created_at, started_at, finished_at)
    select 1, 1, e.execution_id, 'another', 't', 1, 'e', 1, 'p', '', 'r', 1, 1, 'SUCCEEDED', e.created_at, e.created_at,
           e.finished_at
      from trigger.execution e where e.execution_id <= $1
    """,
    """
    insert into trigger.outbox (run_id, event_type, event_at, run_state, message, finished_at, published_at)
    select r.run_id, 'job.run.completed', r.created_at, 'SUCCEEDED', '', r.finished_at, now()
      from trigger.run r where r.run_id <= $1
    """,
    """
    insert into trigger.artifact (run_id, name, account_id, finished_day, size_bytes, chunk_count, stored_at)
    select r.run_id, 'a', 1, current_date, 1, 1, now() from trigger.run r where r.run_id <= $1
    """,
    """
    insert into trigger.artifact_chunk (finished_day, run_id, name, chunk_number, chunk)
    select current_date, r.run_id, 'a', 0, 'x' from trigger.run r where r.run_id <= $1
    """,
    """
    insert into trigger.run_log (started_day, run_id, byte_offset, chunk)
    select current_date, n % 100, n / 100 * 10, '0123456789' from generate_series(1, $1) n
    """,
    """
    insert into trigger.window
        (window_id, trigger_id, account_id, state, threshold, first_seq, opened_at, deadline_at, size, bytes, closed_at,
         close_reason)
    select n, n, 1, 'CLOSED', 5, 1, now(), now(), 5, 99, now(), 'threshold' from generate_series(1, $1) n
    """,
)
LEASED = """
update trigger.run
   set state = 'RUNNING', finished_at = null, lease_id = 1, lease_until = now(), slots = '{}', parameters = '{}',
       timeout_seconds = 60
 where run_id = $1
"""
TOUCHED = """
select relname, seq_tup_read, idx_tup_fetch
  from pg_stat_xact_user_tables where schemaname = 'trigger' and coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) > 0
"""


async def touched(connection: Any, statement: str, *arguments: Any) -> dict[str, tuple[int, int]]:
    """Rows read by sequential scan and by index, per table, of one statement that is planned for any arguments; undone."""
    await connection.execute("select pg_stat_force_next_flush()")
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("set local plan_cache_mode = force_generic_plan")
        await connection.fetch(statement, *arguments)
        rows = await connection.fetch(TOUCHED)
    finally:
        await transaction.rollback()
    return {row["relname"]: (row["seq_tup_read"], row["idx_tup_fetch"] or 0) for row in rows}


async def test_no_statement_about_results_or_their_end_reads_what_it_does_not_name(database: Database) -> None:
    owner = await asyncpg.connect(database.owner_url)
    for statement in FILL:
        await owner.execute(statement, ROWS)
    await owner.execute(LEASED, ROWS)
    today = await owner.fetchval("select current_date")
    await owner.execute("analyze")
    await owner.close()
    statements: list[tuple[str, tuple[Any, ...], int]] = [
        (run_log.APPEND, (ROWS, 1, None, 0, b"x", 8 << 20), 10),
        (run_log.FIND_PLACE, (1, 7), 10),
        (run_log.READ, (today, today, 7, 1_000, 2_000, 4), 10 + 26_215),  # 256 KiB back, in pieces of 10 bytes
        (artifact.FIND, (1, 7, "a"), 10),
        (artifact.READ_CHUNK, (today, 7, "a", 0), 10),
        (prune.PRUNE_EXECUTIONS, (0, 30, PAGE), 8 * PAGE),
        (prune.PRUNE_EVENTS, (0, 30, PAGE), 3 * PAGE),
    ]
    async with pod(database) as one, one.pool.acquire() as connection:
        for statement, arguments, most in statements:
            for table, (scanned, fetched) in (await touched(connection, statement, *arguments)).items():
                assert scanned == 0, f"a sequential scan of {table} by {statement}"
                assert fetched <= most, f"{fetched} rows of {table} by {statement}"
