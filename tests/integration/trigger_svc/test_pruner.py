"""Growth is bounded: partitions come and go, flushes are forgotten once nobody can ask for them."""

from datetime import timedelta

import asyncpg

from tests.support.postgres import Database
from tests.support.trigger import call, pod
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
        for parent in ("trigger.call", "trigger.artifact_chunk"):
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
