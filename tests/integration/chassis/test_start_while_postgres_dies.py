"""A process whose Postgres is killed between its first connection and its readiness waits; it used to end with code 1."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from schema.roles import ROLES, prepare_roles
from schema.upgrade import upgrade
from tests.chaos.members import Database
from tests.support.service_process import ServiceProcess, free_port

NAME, PASSWORD = "postgres", "of-this-test"
WAITS = "select exists (select 1 from pg_locks where not granted and relation = $1::regclass)"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """A migrated Postgres that may be killed, and is there again after each test."""
    directory = tmp_path_factory.mktemp("server")
    directory.chmod(0o755)
    database = Database(directory)
    await database.start()
    await upgrade(database.server.url(NAME))
    await prepare_roles(database.server.url(NAME), dict.fromkeys(ROLES, PASSWORD))
    yield database
    await database.end()


def process(server: Database, directory: Path, service: str) -> ServiceProcess:
    (directory / "ring").write_text("k1:" + base64.b64encode(bytes(range(32))).decode())
    (directory / "token").write_text("the-first-accounts-token-of-this-test-0123456789")
    settings: dict[str, object] = {
        "DATABASE_URL": server.server.url(NAME, role=f"runhook_{service}", password=PASSWORD),
        "GRPC_ADDRESS": f"127.0.0.1:{free_port()}",
        "KEY_RING_FILE": directory / "ring",
    }
    if service == "subscription":
        settings |= {"SUBSCRIPTION_FIRST_ACCOUNT_ID": 1, "SUBSCRIPTION_FIRST_TOKEN_FILE": directory / "token"}
    return ServiceProcess(f"{service}_svc", settings)


async def until_it_waits_for(watcher: asyncpg.Connection, table: str) -> None:
    async with asyncio.timeout(20):
        while not await watcher.fetchval(WAITS, table):  # noqa: ASYNC110 - nothing tells of another session's lock
            await asyncio.sleep(0.01)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("service", "table"),
    [
        ("delivery", "runhook.schema_migration"),
        ("delivery", "runhook.partitioned_table"),
        ("delivery", "delivery.pod"),
        ("subscription", "subscription.account"),
        ("trigger", "runhook.partitioned_table"),
    ],
)
async def test_a_process_waits_for_a_postgres_that_is_killed_before_it_was_ready(
    server: Database, tmp_path: Path, service: str, table: str
) -> None:
    watcher = await asyncpg.connect(server.server.url(NAME))
    await watcher.execute(f"begin; lock table {table} in access exclusive mode")
    starts = process(server, tmp_path, service)
    starting = asyncio.create_task(starts.start())
    await until_it_waits_for(watcher, table)
    await server.kill()
    await server.start()
    await starting
    assert await starts.stop() == 0
