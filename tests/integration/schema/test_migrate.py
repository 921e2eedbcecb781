"""Migrations on real databases: once, in order, by one at a time, on every supported Postgres."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from chassis.migrations import (
    FailedMigration,
    Migration,
    NewerDatabase,
    migrate,
    read_migrations,
    schema_version,
    wait_for_schema,
)
from schema import MIGRATIONS
from schema.upgrade import upgrade
from tests.support.postgres import Cluster, Database

FOUNDATION = read_migrations(MIGRATIONS)[0]


def second(sql: str) -> Migration:
    return Migration(version=2, name="second", sql=sql)


@pytest.fixture
async def any_empty(any_cluster: Cluster) -> AsyncIterator[Database]:
    database = await any_cluster.create(migrated=False)
    yield database
    await any_cluster.drop(database)


async def fetchval(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_all_migrations_run_once_on_every_supported_postgres(any_empty: Database) -> None:
    applied = await upgrade(any_empty.owner_url)
    assert applied == read_migrations(MIGRATIONS)
    assert await upgrade(any_empty.owner_url) == []


async def test_two_that_migrate_at_once_apply_each_file_once(empty_database: Database) -> None:
    url = empty_database.owner_url
    results = await asyncio.gather(*(migrate(url, [FOUNDATION]) for _ in range(4)))
    assert sorted(len(applied) for applied in results) == [0, 0, 0, 1]


async def test_two_databases_of_a_cluster_migrate_at_once(cluster: Cluster) -> None:
    databases = [await cluster.create(migrated=False) for _ in range(2)]
    await asyncio.gather(*(migrate(database.owner_url, [FOUNDATION]) for database in databases))
    for database in databases:
        await cluster.drop(database)


async def test_a_failing_migration_leaves_nothing_and_runs_again_when_mended(empty_database: Database) -> None:
    url = empty_database.owner_url
    broken = second("create table runhook.half (id int); select 1 / 0;")
    with pytest.raises(FailedMigration, match=r"0002_second\.sql: division by zero"):
        await migrate(url, [FOUNDATION, broken])
    assert await fetchval(url, "select to_regclass('runhook.half')") is None
    mended = second("create table runhook.half (id int);")
    assert await migrate(url, [FOUNDATION, mended]) == [mended]


async def test_a_migration_that_deadlocks_with_running_processes_says_to_run_it_again(empty_database: Database) -> None:
    url = empty_database.owner_url
    tables = second("create table runhook.a (id int); create table runhook.b (id int);")
    wider = Migration(version=3, name="wider", sql="alter table runhook.b add x int; alter table runhook.a add x int;")
    await migrate(url, [FOUNDATION, tables])
    worker = await asyncpg.connect(url)
    await worker.execute("set deadlock_timeout = '10s'")  # so that it is the migration that gives way
    async with worker.transaction():
        await worker.execute("lock table runhook.a in row exclusive mode")
        migrating = asyncio.create_task(migrate(url, [FOUNDATION, tables, wider]))
        while not await worker.fetchval("select count(*) from pg_locks where not granted"):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
        await worker.execute("lock table runhook.b in row exclusive mode")
    await worker.close()
    with pytest.raises(FailedMigration, match=r"0003_wider\.sql and running processes .* run it again"):
        await migrating
    assert await migrate(url, [FOUNDATION, tables, wider]) == [wider]


async def test_a_statement_that_cannot_run_in_a_transaction_runs(empty_database: Database) -> None:
    sql = "-- no-transaction\nCREATE index concurrently if not exists name_index on runhook.schema_migration (name);"
    await migrate(empty_database.owner_url, [FOUNDATION, second(sql)])
    assert await fetchval(empty_database.owner_url, "select to_regclass('runhook.name_index') is not null")


async def test_a_database_newer_than_the_code_is_refused_by_migrate_and_accepted_by_services(
    empty_database: Database,
) -> None:
    url = empty_database.owner_url
    await migrate(url, [FOUNDATION, second("select 1;")])
    with pytest.raises(NewerDatabase, match="use the release that migrated it"):
        await migrate(url, [FOUNDATION])
    connection = await asyncpg.connect(url)
    assert await wait_for_schema(connection, 1) == 2
    await connection.close()


async def test_a_service_waits_until_the_database_has_the_version_it_needs(empty_database: Database) -> None:
    connection = await asyncpg.connect(empty_database.owner_url)
    assert await schema_version(connection) == 0
    waiting = asyncio.create_task(wait_for_schema(connection, 1))
    await migrate(empty_database.owner_url, [FOUNDATION])
    assert await waiting == 1
    await connection.close()


async def test_an_owner_without_createrole_is_told_what_is_missing(oldest_cluster: Cluster) -> None:
    """The roles exist already, so whoever owns the database can migrate without being able to make roles."""
    database = await oldest_cluster.create(migrated=False)
    admin = await asyncpg.connect(database.owner_url)
    await admin.execute("create role plain login password 'plain'")
    plain_url = database.owner_url.replace("//runhook:", "//plain:").replace(
        database.owner_url.split(":")[2].split("@")[0], "plain"
    )
    with pytest.raises(FailedMigration, match="migrate as the owner of the database, with CREATEROLE"):
        await migrate(plain_url, [FOUNDATION])
    await admin.execute(f"alter database {database.name} owner to plain")
    assert await migrate(plain_url, [FOUNDATION]) == [FOUNDATION]
    await admin.close()
    await oldest_cluster.drop(database)
