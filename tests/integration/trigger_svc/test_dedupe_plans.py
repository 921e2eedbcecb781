"""Whether a call came before is asked along the key, however many did, and old keys go without reading the others."""

import os
import uuid

import asyncpg

from chassis.ids import ksuid
from tests.support.postgres import Database
from tests.support.trigger import pod
from trigger_svc.store import call_dedupe, head

ROWS = 60_000
#: Of the very trigger and of others, all of today; and a few that are past their time.
FILL = """
insert into trigger.call_dedupe (trigger_id, dedupe_key, call_id, received_at)
select case when n % 2 = 0 then $2 else 1000000 + n end, sha256(n::text::bytea), 'cal_' || n, clock_timestamp()
  from generate_series(1, $1) n
"""
TOUCHED = """
select coalesce(seq_tup_read, 0), coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables where relname = 'call_dedupe'
"""


async def test_a_flush_of_named_calls_reads_their_keys_alone(database: Database) -> None:
    async with pod(database) as one:
        trigger, _ = await one.trigger(threshold=10_000)
        owner = await asyncpg.connect(database.owner_url)
        await owner.execute(FILL, ROWS, trigger.trigger_id)
        await owner.execute("analyze trigger.call_dedupe")
        await owner.close()
        async with one.pool.acquire() as connection, connection.transaction():
            await connection.execute("set local plan_cache_mode = force_generic_plan")
            known = await connection.fetchval("select sha256('2'::bytea)")
            keys = [known, None, *(os.urandom(32) for _ in range(48))]
            ids = ["exe_" + ksuid(0) for _ in range(51)]
            calls = (["cal_" + ksuid(0) for _ in keys], [""] * 50, [b""] * 50, [9] * 50)
            rows = await connection.fetch(
                head.RECEIVE_CALLS,
                uuid.uuid4(),
                [trigger.trigger_id],
                [1],
                [50],
                [1],
                *calls,
                None,
                keys,
                [],
                [],
                ids,
                False,
            )
            assert [(row["place"], row["call_id"]) for row in rows if row["what"] == "DUPLICATE"] == [(1, "cal_2")]
            scanned, fetched = await connection.fetchrow(TOUCHED) or (0, 0)
            assert scanned == 0
            assert fetched <= 50


async def test_nothing_old_is_found_without_reading_what_is_new(database: Database) -> None:
    async with pod(database) as one:
        owner = await asyncpg.connect(database.owner_url)
        await owner.execute(FILL, ROWS, 1)
        await owner.execute("select brin_summarize_new_values('trigger.call_dedupe_age')")
        await owner.execute("analyze trigger.call_dedupe")
        await owner.close()
        async with one.pool.acquire() as connection:
            plan = await connection.fetchval(
                "explain (analyze, format json) "
                + call_dedupe.PRUNE_DEDUPE.replace("$1", "604800.0").replace("$2", "5000")
            )
        assert '"Seq Scan"' not in plan, plan
        assert '"call_dedupe_age"' in plan
