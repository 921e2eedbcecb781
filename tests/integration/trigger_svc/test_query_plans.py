"""The hot statements touch a handful of rows, however many are finished, wait for another, or are not due yet.

Counted by Postgres itself, inside the functions too: rows fetched by index, and none by a sequential scan.
"""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from chassis.ids import ksuid
from tests.support.postgres import Database
from tests.support.trigger import Pod, call, pod
from trigger_svc.store import (
    artifact,
    execution,
    head,
    journey,
    outbox,
    overview,
    payload,
    rescue,
    run,
    start,
    waiting,
    window,
)
from trigger_svc.store import call as calls
from trigger_svc.store import execution_list as executions
from trigger_svc.store import token as tokens
from trigger_svc.trigger import Trigger

ROWS = 20_000
#: Another command's backlog, a waiting line of one task, finished work, and windows that are not due.
FILL = (
    """
    insert into trigger.window
        (window_id, trigger_id, account_id, state, threshold, first_seq, opened_at, deadline_at, size, bytes, closed_at,
         close_reason)
    select nextval('trigger.window_id'), 1000000 + n, 1, case when n % 2 = 0 then 'OPEN' else 'CLOSED' end, 5, 1, now(),
           now() + interval '1 hour', case when n % 2 = 1 then 5 end, case when n % 2 = 1 then 99 end,
           case when n % 2 = 1 then now() end, case when n % 2 = 1 then 'threshold' end
      from generate_series(1, $1) n
    """,
    """
    insert into trigger.execution
        (public_id, account_id, task_id, call_count, exclusive, state, created_at, turn_at, started_at, finished_at, queued_at)
    select 'exe_' || substr(md5(n::text || random()::text), 1, 27), 1, 1000000 + n % 2, 1, true,
           case when n % 2 = 0 then 'SUCCEEDED' else 'PENDING' end, now(), case when n % 2 = 0 then now() end,
           case when n % 2 = 0 then now() end, case when n % 2 = 0 then now() end, case when n % 4 <> 3 then now() end
      from generate_series(1, $1) n
    """,
    # Of the very task: what has ended within the hour, what was rejected, and a deadline that is far.
    """
    insert into trigger.execution
        (public_id, account_id, task_id, call_count, exclusive, state, reason, created_at, turn_at, started_at, finished_at,
         queued_at, deadline_at)
    select 'exe_' || substr(md5(n::text || random()::text), 1, 27), 4711, 1, 1, true,
           case when n % 2 = 0 then 'SUCCEEDED' else 'REJECTED' end, case when n % 2 = 1 then 'queue_limit' else '' end, now(),
           case when n % 2 = 0 then now() end, case when n % 2 = 0 then now() end, now(), case when n % 2 = 0 then now() end,
           now()
      from generate_series(1, $1) n
    """,
    """
    insert into trigger.execution (public_id, account_id, plan_id, call_count, exclusive, created_at, queued_at, deadline_at)
    select 'exe_' || substr(md5(n::text || random()::text), 1, 27), 1, 1000000, 1, true, now(), now(), now() + interval '1 day'
      from generate_series(1, $1) n
    """,
    """
    insert into trigger.run
        (account_id, task_id, execution_id, command, task_name, environment_id, environment_name, project_id, project_name,
         dbt_version, run_reason, max_attempts, attempts, state, created_at, due_at, started_at, finished_at, slots,
         parameters, timeout_seconds)
    select 1, 1, n, 'another', 't', 1, 'e', 1, 'p', '', 'r', 1, n % 2, case when n % 2 = 0 then 'PENDING' else 'SUCCEEDED' end,
           now(), now(), case when n % 2 = 1 then now() end, case when n % 2 = 1 then now() end, '{}', '{}', 60
      from generate_series(1, $1) n
    """,
    """
    insert into trigger.outbox (run_id, event_type, event_at, run_state, message, published_at)
    select 1000000 + (random() * 1000000000000)::bigint, 'job.run.started', now(), 'RUNNING', '', now()
      from generate_series(1, $1) n
    """,
)
#: A trigger that left nothing.
DELETED = """
insert into trigger.audit (account_id, trigger_id, public_trigger_id, what)
values (4711, 1000, 'trg_' || repeat('1', 27), 'trigger_deleted')
"""
TOUCHED = """
select relname, seq_tup_read, idx_tup_fetch
  from pg_stat_xact_user_tables where schemaname = 'trigger' and coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) > 0
"""
MOST_TOUCHED = 60
HEAD_UPDATES = "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'head'"


@pytest.fixture
async def full(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """The owner's connection to a database whose trigger tables are full."""
    owner = await asyncpg.connect(database.owner_url)
    await _fill(owner)
    yield owner
    await owner.close()


async def _fill(owner: asyncpg.Connection) -> None:
    for statement in FILL:
        await owner.execute(statement, ROWS)
    await owner.execute("analyze")


async def _touched(connection: Any, statement: str, *arguments: Any) -> dict[str, tuple[int, int]]:
    """Rows read by sequential scan and by index, per table, of one statement; its effects are undone."""
    await connection.execute("select pg_stat_force_next_flush()")  # else the counts of earlier statements are in it too
    transaction = connection.transaction()
    await transaction.start()
    try:
        # As a long-lived connection plans it: for any arguments.
        await connection.execute("set local plan_cache_mode = force_generic_plan")
        await connection.fetch(statement, *arguments)
        rows = await connection.fetch(TOUCHED)
    finally:
        await transaction.rollback()
    return {row["relname"]: (row["seq_tup_read"], row["idx_tup_fetch"] or 0) for row in rows}


async def test_no_hot_statement_reads_more_than_a_handful_of_rows(database: Database, full: asyncpg.Connection) -> None:
    async with pod(database) as one:
        statements = await _hot_statements(one)
        await _fill(full)  # as many newer rows as there are older ones
        async with one.pool.acquire() as connection:
            for statement, arguments in statements:
                touched = await _touched(connection, statement, *arguments)
                for table, (scanned, fetched) in touched.items():
                    assert scanned == 0, f"a sequential scan of {table} by {statement}"
                    assert fetched <= MOST_TOUCHED, f"{fetched} rows of {table} by {statement}"


async def _hot_statements(one: Pod) -> list[tuple[str, tuple[Any, ...]]]:
    """Each hot statement with arguments that find something: a closed window and its run, an open window."""
    made, token = await one.trigger(threshold=2)
    await one.receive(call(token), call(token), call(token))
    [acquired] = await run.acquire(one.pool, ["dbt_build"], most=1, lease_seconds=30, account_id=None)
    now = await rescue.read_time(one.pool)
    far = now.replace(year=now.year + 1)
    ids = ["exe_" + ksuid(0) for _ in range(20)]
    flush: tuple[Any, ...] = (
        uuid.uuid4(),
        [made.trigger_id],
        [1],
        [2],
        [1],
        ["a", "b"],
        ["", ""],
        [b"", b""],
        [9, 9],
        None,
        None,
        [],
        [],
        ids,
        False,
    )
    await one.pool.execute(DELETED)
    *_, last = await one.executions()
    key, public_id, finished = last["execution_id"], last["public_id"], await _finished(one, made)
    return [
        (head.RECEIVE_CALLS, flush),
        (head.FIND_GROUP, (uuid.uuid4(),)),
        (window.CLOSE_EXPIRED, (20, ids)),
        (journey.WINDOWS_OF_CALLS, ([made.trigger_id], ["cal_x"], [50])),
        (journey.OPENED_AT, ([1, 2],)),
        (journey.TRAVELLED, ([acquired.run_id],)),
        (tokens.FIND_TARGETS, ([b"x" * 32],)),
        (run.ACQUIRE_RUNS, (["dbt_build", "nobody"], 10, 30.0)),
        (run.ACQUIRE_RUNS_OF_ACCOUNT, (["dbt_build"], 10, 30.0, 4711)),
        (run.START_RUN, (acquired.run_id, acquired.lease_id, None, 30.0)),
        (run.KEEP_LEASES, ([acquired.run_id], [acquired.lease_id], None, 30.0)),
        (
            run.END_RUN,
            (acquired.run_id, acquired.lease_id, None, False, "FAILED", "timed_out", "", None, 60.0, None),
        ),
        (payload.SOURCE_OF_RUN, (acquired.run_id, acquired.lease_id, None)),
        (payload.SOURCE_OF_EXECUTION, (4711, public_id)),
        (start.TAKERS, (4711, made.task_id, 0)),
        (start.START_EXECUTION, (ids[0], 4711, made.task_id, 0, "manual", None, "", None, b"", "a", b"")),
        (start.RERUN_EXECUTION, (ids[0], 4711, finished, False)),
        (start.CANCEL_EXECUTION, (4711, public_id)),
        (start.PAUSE_TARGET, (4711, made.task_id, True)),
        (start.PAUSE_TARGET, (4711, made.task_id, False)),
        ("select trigger.queue_is_full($1, null)", (made.task_id,)),
        (calls.READ_CALLS, (now.date(), now.date(), made.trigger_id, 1, 3)),
        (rescue.FREE_UNSTARTED, (now, 100)),
        (rescue.FIND_LOST, (now, 100)),
        (rescue.GIVE_UP_ARTIFACTS, (far, 100)),
        (rescue.FIND_TIMED_OUT, (now, 100)),
        (rescue.TIME_OUT_PLAN, (1,)),
        (rescue.FIND_HELD, (100,)),
        (rescue.ADMIT_HELD, (made.task_id,)),
        (waiting.FIND_WAITING, (now.replace(year=now.year - 1), 100)),
        (waiting.GIVE_UP_WAITING, (key, far)),
        (outbox.CLAIM_EVENTS, (500, 20.0)),
        (outbox.COUNT_WAITING, (10_000,)),
        (artifact.COMPLETE, (acquired.run_id, acquired.lease_id, ["a"], [1], [1])),
        (overview.OPEN_WINDOWS, (4711, 1_000, 10)),
        (overview.WORK, (4711, 10_000, 1_000)),
        (overview.LOSSES, (4711, 10)),
        (execution.FIND_EXECUTION, (4711, public_id)),
        *_lists(await executions.source(one.pool, 4711, made.public_id)),
        (execution.FIND_RUN, (4711, acquired.run_id)),
    ]


def _lists(source: executions.Source | None) -> list[tuple[str, tuple[Any, ...]]]:
    """Pages of executions, by all that they may be asked for."""
    assert source is not None
    page, of_trigger, of_task = (4711, 2**63 - 1, 20), source.trigger_id, source.target
    return [
        (executions.FIND_SOURCE, (4711, "trg_" + 27 * "1")),
        (executions.KEYS, page),
        (executions.KEYS_IN_STATE, (*page, "PENDING")),
        (executions.KEYS_IN_STATE, (*page, "CANCELLED")),
        (executions.KEYS_OF_TASK, (*page, of_task)),
        (executions.KEYS_OF_PLAN, (*page, 1)),
        (executions.KEYS_OF_TRIGGER, (*page, of_trigger)),
        (executions.KEYS_OF_TARGET_IN_STATE, (*page, of_task, "PENDING", None)),
        (executions.KEYS_OF_TARGET_IN_STATE, (*page, of_task, "RUNNING", of_trigger)),
        (executions.KEY_OF_WINDOW, (*page, 1, None, None, None)),
        (execution.READ_EXECUTIONS, (list(range(1, 21)),)),
    ]


async def _finished(one: Pod, made: Trigger) -> str:
    """The public id of another execution of the trigger's task, which has ended."""
    started = await start.start(
        one.pool, "exe_" + ksuid(1), account_id=4711, task_id=made.task_id, cause="manual", payload=b"[]"
    )
    assert started.execution_id is not None
    await start.cancel(one.pool, 4711, started.execution_id)
    return started.execution_id


async def test_a_head_is_updated_in_place(database: Database) -> None:
    async with pod(database, connections=1) as one:
        _, token = await one.trigger(threshold=3)
        for _ in range(20):
            await one.receive(call(token))
        await one.pool.execute("select pg_stat_force_next_flush()")
        [row] = await one.pool.fetch(HEAD_UPDATES)
    assert row["n_tup_upd"] == row["n_tup_hot_upd"] == 20
