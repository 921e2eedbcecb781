"""The pool over a real Postgres: giving a connection back costs no statement, and brings nothing of its user along."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from chassis.database import open_pool
from chassis.settings import ServiceSettings
from tests.support.postgres import Database

NAME = "pool_of_a_test"
LAST_STATEMENTS = "select query from pg_stat_activity where application_name = $1"


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[asyncpg.Pool]:
    """A pool that has one connection until a second is needed."""
    settings = ServiceSettings(database_url=database.subscription_url, database_pool_size=2)
    async with open_pool(settings, NAME, 1) as made:
        yield made


async def test_a_connection_that_goes_back_runs_no_statement(database: Database, pool: asyncpg.Pool) -> None:
    assert await pool.fetchval("select 42") == 42
    watcher = await asyncpg.connect(database.owner_url)
    try:
        assert [row["query"] for row in await watcher.fetch(LAST_STATEMENTS, NAME)] == ["select 42"]
    finally:
        await watcher.close()


async def test_a_transaction_that_was_left_open_ends_when_its_connection_goes_back(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        first = await connection.fetchval("select pg_backend_pid()")
        await connection.execute("begin")
    async with pool.acquire() as connection:
        assert await connection.fetchval("select pg_backend_pid()") == first
        assert not connection.is_in_transaction()
