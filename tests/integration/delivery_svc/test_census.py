"""What waits is counted along indexes and to a limit: of a million rows a count reads as many as of ten thousand."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from prometheus_client import REGISTRY

from chassis.partitions import END, note_end
from delivery_svc.store import census
from tests.support.postgres import Database

MANY = 300_000
FILL = """
insert into delivery.queue (id, event_id, published_at, subscription_id, account_id, webhook_name, due_at, lease_id, parked)
select n, 'wev_' || lpad(n::text, 27, '0'), clock_timestamp(), n % 100, 1, 'test', clock_timestamp() + $3::interval, $4, $5
  from generate_series($1::int, $2::int) n
"""
LANES = """
insert into delivery.lane (subscription_id, next_due_at, open_until, openings)
select n, case when n <= 3 then now() end,
       case when n = 1 then now() + interval '1 hour' when n <= 3 then now() - interval '1 second' end,
       case when n <= 3 then 1 else 0 end
  from generate_series(1, 10) n
"""


@pytest.fixture
async def connection(database: Database) -> Any:
    connected = await asyncpg.connect(database.delivery_url)
    yield connected
    await connected.close()


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(database.delivery_url, min_size=1, max_size=2) as made:
        yield made


async def _add(connection: asyncpg.Connection, first: int, count: int, due: str, **row: Any) -> None:
    hours = {"hour_ago": -1, "in_an_hour": 1}[due]
    await connection.execute(
        FILL, first, first + count - 1, timedelta(hours=hours), row.get("lease"), row.get("parked", False)
    )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)


async def test_every_state_is_counted_as_what_it_is(connection: asyncpg.Connection, pool: asyncpg.Pool) -> None:
    await _add(connection, 1, 5, "hour_ago")
    await _add(connection, 101, 7, "in_an_hour")
    await _add(connection, 201, 11, "hour_ago", lease=7)
    await _add(connection, 301, 13, "hour_ago", parked=True)
    await connection.execute(LANES)
    await connection.execute(
        "insert into delivery.erasure (account_id, published_until) values (1, now());"
        "insert into delivery.recovery (account_id, subscription_id, published_since, published_until, found)"
        " values (1, 1, now(), now(), 0), (1, 2, now(), now(), 0);"
        "update delivery.recovery set state = 'FINISHED', finished_at = now() where subscription_id = 2"
    )
    counted = await census.count(pool)
    assert 3600 <= counted.oldest_due_age < 3700
    assert counted == census.Census(
        due=5,
        scheduled=7,
        oldest_due_age=counted.oldest_due_age,
        parked_rows=13,
        parked_lanes=3,
        breakers_closed=7,
        breakers_open=1,
        breakers_half_open=2,
        recoveries=1,
        erasures=1,
    )


async def test_nothing_is_counted_where_nothing_is(pool: asyncpg.Pool) -> None:
    counted = await census.count(pool)
    assert (counted.due, counted.oldest_due_age, counted.parked_rows) == (0, 0.0, 0)


@pytest.mark.parametrize("analyzed", [False, True])
async def test_a_count_reads_no_more_than_its_limit_of_any_backlog(
    connection: asyncpg.Connection, pool: asyncpg.Pool, database: Database, analyzed: bool
) -> None:
    await _add(connection, 1, MANY, "hour_ago", lease=7)
    await _add(connection, 400_001, MANY, "in_an_hour")
    await _add(connection, 800_001, MANY, "hour_ago", parked=True)
    await _add(connection, 1_200_001, 20_000, "hour_ago")
    await connection.execute("insert into delivery.lane (subscription_id) select generate_series(1, 100000)")
    if analyzed:
        owner = await asyncpg.connect(database.owner_url)
        await owner.execute("analyze delivery.queue, delivery.lane")
        await owner.close()
    await connection.execute("set plan_cache_mode = force_generic_plan")
    await connection.execute(f"prepare probe (int) as {census.COUNT}")
    explained = "explain (analyze, timing off, format json) execute probe (10000)"
    nodes = list(_nodes(json.loads(await connection.fetchval(explained))[0]["Plan"]))
    hot = [node for node in nodes if node.get("Relation Name") in ("queue", "lane")]
    assert {node["Node Type"] for node in hot} <= {"Index Scan", "Index Only Scan"}
    assert max(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in hot) <= 10_000
    assert (await census.count(pool)).due == census.MOST


async def test_the_end_of_the_partitions_is_where_the_first_table_runs_out(
    connection: asyncpg.Connection, pool: asyncpg.Pool, database: Database
) -> None:
    await connection.execute("select runhook.make_partitions('delivery')")
    midnight = await connection.fetchval("select extract(epoch from date_trunc('day', now(), 'UTC'))::float8")
    await note_end(pool, "delivery")
    assert REGISTRY.get_sample_value("runhook_database_partitions_end_seconds") == midnight + 8 * 86_400
    owner = await asyncpg.connect(database.owner_url)
    last = await owner.fetchval("select max(relname) from pg_class where relname ~ '^attempt_p[0-9]{8}$'")
    await owner.execute(f"drop table delivery.{last}")
    await owner.close()
    assert await connection.fetchval(END, "delivery") - midnight == 7 * 86_400
