"""Recent Deliveries stay quick however long the log is: every list walks an index from its newest end."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import asyncpg
import pytest

from delivery_svc import recent
from delivery_svc.recent import Search
from delivery_svc.store import recent as store
from tests.support.delivery import ACCOUNT, add_subscription
from tests.support.postgres import Database

LOGGED = 100_000
FILL_EVENTS = """
insert into delivery.event (published_at, event_id, account_id, event_type, job_id, event_time_ns, data)
select date_trunc('day', clock_timestamp()) + n * interval '1 millisecond', 'wev_' || lpad(n::text, 27, '0'), 1,
       'job.run.completed', 1, 0, '{}'
  from generate_series(1, $1::int) n
"""
FILL_DELIVERIES = """
insert into delivery.delivery
       (finished_at, id, event_id, published_at, subscription_id, account_id, webhook_name, attempts, state)
select e.published_at, row_number() over (order by e.published_at), e.event_id, e.published_at, $1, 1, 'test', 1,
       case when random() < 0.0001 then 'FAILED' else 'SUCCEEDED' end
  from delivery.event e
"""
FILL_ATTEMPTS = """
insert into delivery.attempt
       (attempted_at, delivery_id, id, subscription_id, number, outcome, status_code, error, detail, duration_us,
        response_body)
select d.published_at, d.id, d.id, d.subscription_id, 1, 'succeeded', 200, 'none', '', 1000, '' from delivery.delivery d
"""
READ = """
select (select sum(heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit) from pg_statio_user_tables
         where schemaname = 'delivery')
"""
KEY = "1, '9999-01-01', 0, '1970-01-01', 21"
KEY_TYPES = "bigint, timestamptz, bigint, timestamptz, int"


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[asyncpg.Pool]:
    """Connected as the service's login role, whose settings the plans depend on."""
    async with asyncpg.create_pool(database.delivery_url, min_size=1, max_size=1) as pool:
        yield pool


async def test_pages_receipts_and_counts_touch_few_blocks_of_a_long_log(database: Database, pool: asyncpg.Pool) -> None:
    key, public_id = await add_subscription(database, "http://127.0.0.1:9/")
    await pool.execute(FILL_EVENTS, LOGGED)
    await pool.execute(FILL_DELIVERIES, key)
    await pool.execute(FILL_ATTEMPTS)
    one = "wev_" + "77777".zfill(27)
    searches = [Search(), Search(skip=1000), *(Search(state=state) for state in ("FAILED", "PENDING", "SUCCEEDED"))]
    for search in searches:
        assert await _blocks(pool, partial(recent.page, pool, ACCOUNT, public_id, search)) < 1200, search
    nothing = partial(recent.page, pool, ACCOUNT, public_id, Search(event_type="job.run.started"))
    assert await _blocks(pool, nothing) < 20 * recent.MOST_LOOKED_AT
    assert await _blocks(pool, lambda: recent.by_ends(pool, ACCOUNT, public_id, one)) < 200
    assert await _blocks(pool, lambda: recent.count(pool, ACCOUNT, public_id)) < 1000
    shown, attempts = await recent.by_ends(pool, ACCOUNT, public_id, one)
    assert (shown.id, len(attempts)) == (77777, 1)
    assert await recent.count(pool, ACCOUNT, public_id) == recent.MOST_COUNTED


@pytest.mark.parametrize(
    ("statement", "types", "values", "index"),
    [
        (store.FINISHED, KEY_TYPES, KEY, "subscription_id_published_at_id_idx"),
        (store.NOT_SUCCEEDED, KEY_TYPES + ", text", KEY + ", 'FAILED'", "subscription_id_published_at_id_idx1"),
        (store.TRIED, KEY_TYPES + ", text", KEY + ", null", "queue_tried"),
        (store.PARKED, KEY_TYPES, KEY, "queue_parked"),
    ],
)
async def test_every_list_walks_its_index(
    pool: asyncpg.Pool, statement: str, types: str, values: str, index: str
) -> None:
    async with pool.acquire() as connection:
        await connection.execute("set plan_cache_mode = force_generic_plan")
        await connection.execute(f"prepare probe ({types}) as {statement}")
        plan = "\n".join(row[0] for row in await connection.fetch(f"explain execute probe ({values})"))
        await connection.execute("deallocate probe")
    assert index in plan
    assert "Seq Scan" not in plan


async def _blocks(pool: asyncpg.Pool, call: Callable[[], Awaitable[object]]) -> int:
    """Blocks of tables and indexes that the call reads, once its statements are planned: the same on any machine."""
    await call()
    before = await _read(pool)
    await call()
    return await _read(pool) - before


async def _read(pool: asyncpg.Pool) -> int:
    async with pool.acquire() as connection:
        await connection.execute("select pg_stat_force_next_flush()")
        await connection.execute("select pg_stat_clear_snapshot()")
        return int(await connection.fetchval(READ))
