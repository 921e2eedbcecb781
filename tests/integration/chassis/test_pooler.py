"""What a real PgBouncer would mix up is refused at the start; what it can carry goes through it."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from chassis.database import open_pool
from chassis.migrations import migrate
from chassis.pooler import SharedSession, keeps_statements, need_session
from chassis.settings import ServiceSettings, SettingsError
from schema.doctor import examine
from schema.rotate_keys import rotate_keys
from tests.support.bouncer import CONNECTIONS_PER_ROLE, pooled
from tests.support.delivery import KEY_RING
from tests.support.postgres import Database

REFUSED = "^RUNHOOK_DATABASE_STATEMENT_CACHE: .* set it to 0"


@pytest.fixture
async def through(database: Database) -> AsyncIterator[Database]:
    """The database behind a PgBouncer in transaction mode."""
    async with pooled(database) as found:
        yield found


def settings(url: str, *, cache: int = 0) -> ServiceSettings:
    return ServiceSettings(database_url=url, database_statement_cache=cache)


async def test_statements_that_stay_prepared_are_refused_behind_a_pooler_that_mixes_them_up(through: Database) -> None:
    with pytest.raises(SettingsError, match=REFUSED):
        async with open_pool(settings(through.delivery_url, cache=256), "test", 1):
            raise AssertionError("it started")


async def test_they_are_refused_at_every_moment_of_a_busy_pooler(through: Database) -> None:
    """Which sessions a look meets is chance, and others have left statements in them."""
    async with open_pool(settings(through.delivery_url), "test", 1) as pool:
        ended = asyncio.Event()

        async def load() -> None:
            while not ended.is_set():
                await pool.execute("select 1")

        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS_PER_ROLE + 1):
                group.create_task(load())
            seen = [await keeps_statements(through.delivery_url) for _ in range(10)]
            ended.set()
        assert seen == [False] * 10
        assert await pool.fetchval("select count(*) from pg_prepared_statements") == 0


async def test_without_the_cache_every_answer_is_to_its_own_question(through: Database) -> None:
    async with (
        open_pool(settings(through.delivery_url), "one", 1) as one,
        open_pool(settings(through.delivery_url), "other", 1) as other,
    ):

        async def ask(pool: asyncpg.Pool, number: int) -> bool:
            return bool(await pool.fetchval(f"select {number} + $1::int", number) == 2 * number)

        answers = [ask(pool, number) for number in range(50) for pool in (one, other)]
        assert all(await asyncio.gather(*answers))
        sessions = "select count(*) from pg_stat_activity where usename = current_user"
        assert await one.fetchval(sessions) <= CONNECTIONS_PER_ROLE


async def test_a_pool_keeps_its_statements_where_sessions_are_its_own(database: Database) -> None:
    """Postgres itself, and a pooler in session mode."""
    async with pooled(database, mode="session") as through:
        for url in (database.delivery_url, through.delivery_url):
            async with open_pool(settings(url, cache=256), "test", 1) as pool:
                assert await pool.fetchval("select count(*) from pg_prepared_statements") > 0
            await need_session(url)


async def test_what_needs_a_session_of_its_own_refuses_a_pooler(through: Database) -> None:
    with pytest.raises(SharedSession, match="give it the URL of Postgres itself"):
        await migrate(through.owner_url, [])
    with pytest.raises(SharedSession):
        await rotate_keys(through.owner_url, KEY_RING, print)
    with pytest.raises(SharedSession):
        await examine(through.owner_url)
