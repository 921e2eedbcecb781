"""Growth is bounded: partitions come and go, flushes are forgotten once nobody can ask for them."""

from datetime import timedelta

import asyncpg
import pytest

from tests.support.postgres import Database
from tests.support.trigger import Pod, call, pod
from trigger_svc.pruner import GROUP_SECONDS, Pruner

PARTITIONS = """
select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = $1::text::regclass order by 1
"""
AGE = "update trigger.ingest_group set committed_at = committed_at - make_interval(secs => $1)"


async def test_partitions_are_made_ahead_and_dropped_past_their_retention(database: Database) -> None:
    async with pod(database) as one:
        owner = await asyncpg.connect(database.owner_url)
        today = await owner.fetchval("select (clock_timestamp() at time zone 'UTC')::date")
        await owner.execute("select runhook.make_partitions('trigger', 0, $1)", today - timedelta(days=40))
        await owner.execute(f"drop table trigger.call_p{today + timedelta(days=7):%Y%m%d}")
        await Pruner(one.pool, one.clock).keep_partitions()
        for parent in ("trigger.call", "trigger.artifact_chunk", "trigger.run_log"):
            names = [row["relname"] for row in await owner.fetch(PARTITIONS, parent)]
            days = [today + timedelta(days=number) for number in range(-1, 8)]
            assert names == [f"{parent.partition('.')[2]}_p{day:%Y%m%d}" for day in days]
        await owner.close()


async def test_flushes_are_forgotten_once_nobody_can_ask_for_them(database: Database) -> None:
    async with pod(database) as one:
        _, token = await one.trigger(threshold=100)
        for _ in range(3):
            await one.receive(call(token))
        await one.pool.execute(AGE, GROUP_SECONDS + 1)
        await one.receive(call(token))
        assert not await Pruner(one.pool, one.clock).forget_groups()
        assert await one.pool.fetchval("select count(*) from trigger.ingest_group") == 1
        assert await one.pool.fetchval("select count(*) from trigger.call") == 4


FINISH = """
update trigger.run set state = 'SUCCEEDED', attempts = 1, started_at = clock_timestamp(), finished_at = clock_timestamp(),
       lease_until = null, log_bytes = 1
 where run_id = $1
"""
FINISH_EXECUTION = """
update trigger.execution set state = 'SUCCEEDED', started_at = clock_timestamp(), finished_at = clock_timestamp(),
       turn_at = clock_timestamp()
 where execution_id = $1
"""
TELL = """
insert into trigger.outbox (run_id, event_type, event_at, run_state, message, finished_at, published_at)
values ($1, 'job.run.completed', clock_timestamp(), 'SUCCEEDED', '', clock_timestamp(), clock_timestamp())
"""
KEEP = """
insert into trigger.artifact (run_id, name, account_id, finished_day, size_bytes, chunk_count, stored_at)
values ($1, 'a', $2, current_date, 0, 0, clock_timestamp())
"""
COUNTS = """
select (select count(*) from trigger.execution), (select count(*) from trigger.run), (select count(*) from trigger.window),
       (select count(*) from trigger.artifact), (select count(*) from trigger.outbox)
"""


async def finished(one: Pod, number: int) -> list[int]:
    """So many executions that succeeded and were told; their keys in order."""
    _, token = await one.trigger(task={"allow_parallel_runs": True}, threshold=1)
    for _ in range(number):
        await one.receive(call(token))
    for row in await one.pool.fetch("select run_id, account_id, execution_id from trigger.run"):
        await one.pool.execute(FINISH, row["run_id"])
        await one.pool.execute(FINISH_EXECUTION, row["execution_id"])
        await one.pool.execute(TELL, row["run_id"])
        await one.pool.execute(KEEP, row["run_id"], row["account_id"])
    return [row["execution_id"] for row in await one.executions()]


async def age(one: Pod, days: int, *keys: int) -> None:
    """Makes executions older, with all that hangs on them."""
    for table, column in (("execution", "created_at"), ("execution", "finished_at")):
        await one.pool.execute(
            f"update trigger.{table} set {column} = {column} - make_interval(days => $1) where execution_id = any($2)",
            days,
            keys,
        )
    aged = "update trigger.outbox o set event_at = event_at - make_interval(days => $1) from trigger.run r"
    await one.pool.execute(f"{aged} where r.run_id = o.run_id and r.execution_id = any($2)", days, keys)


async def counts(one: Pod) -> list[int]:
    """How many executions, runs, windows, artifacts and events there are."""
    return list(await one.pool.fetchrow(COUNTS) or ())


async def test_what_finished_long_ago_goes_with_all_that_hangs_on_it_and_nothing_else(database: Database) -> None:
    async with pod(database) as one:
        keys = await finished(one, 6)
        await age(one, 31, *keys[:4])
        await age(one, 29, keys[4])
        # The first is not told yet, and the second gives its payload to a rerun.
        await one.pool.execute(
            "update trigger.outbox set published_at = null where run_id in "
            "(select run_id from trigger.run where execution_id = $1)",
            keys[0],
        )
        await one.pool.execute("update trigger.execution set payload_of = $1 where execution_id = $2", keys[1], keys[5])
        pruner = Pruner(one.pool, one.clock)
        assert not await pruner.delete_finished()
        assert [row["execution_id"] for row in await one.executions()] == [*keys[:2], *keys[4:]]
        assert await counts(one) == [4, 4, 4, 4, 3]
        # Told, and the rerun as old: both go, in whatever order.
        await one.pool.execute("update trigger.outbox set published_at = clock_timestamp()")
        await age(one, 31, keys[5])
        for _ in range(2):
            await pruner.delete_finished()
        assert [row["execution_id"] for row in await one.executions()] == [keys[4]]
        assert await counts(one) == [1, 1, 1, 1, 1]


async def test_what_is_old_and_not_finished_stays_and_keeps_nobody_from_going(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trigger_svc.pruner.MOST_EXECUTIONS_AT_ONCE", 2)
    monkeypatch.setattr("trigger_svc.pruner.MOST_EVENTS_AT_ONCE", 2)
    async with pod(database) as one:
        keys = await finished(one, 7)
        await one.pool.execute(
            "update trigger.execution set state = 'RUNNING', finished_at = null where execution_id = any($1)", keys[:3]
        )
        await age(one, 40, *keys[:6])
        pruner = Pruner(one.pool, one.clock, retention_days=35)
        pages = 1
        while await pruner.delete_finished():
            pages += 1
        assert pages == 4
        assert [row["execution_id"] for row in await one.executions()] == [*keys[:3], keys[6]]
