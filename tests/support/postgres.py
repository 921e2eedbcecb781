"""Databases for tests: one cluster a session, one migrated template, a copy per test. Invariant: no shared rows."""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from schema.roles import ROLES, prepare_roles
from schema.upgrade import upgrade
from standalone.binaries import Binaries
from standalone.postgres import VOLATILE, Postgres

TEMPLATE = "template_runhook"
_PASSWORD = "of-the-tests"


@dataclass(frozen=True, kw_only=True)
class Database:
    """One test's database: a URL for its owner and one for each service's login role."""

    name: str
    owner_url: str
    subscription_url: str
    delivery_url: str
    trigger_url: str


class Cluster:
    """A running Postgres with a template that holds all migrations."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._numbers = itertools.count(1)
        self.admin_url = server.url("postgres")

    async def make_template(self) -> None:
        """Migrate the database that every test's is copied from."""
        await self._execute(f"create database {TEMPLATE}")
        await upgrade(self._server.url(TEMPLATE))
        await prepare_roles(self.admin_url, dict.fromkeys(ROLES, _PASSWORD))

    async def create(self, *, migrated: bool = True) -> Database:
        """A fresh database; without `migrated`, an empty one."""
        name = f"test_{next(self._numbers)}"
        # Copied as files: through the log, which is Postgres's own choice, it costs twice the CPU and four times the wait.
        template = TEMPLATE if migrated else "template0"
        await self._execute(f"create database {name} template {template} strategy file_copy")
        return Database(
            name=name,
            owner_url=self._server.url(name),
            subscription_url=self._server.url(name, role="runhook_subscription", password=_PASSWORD),
            delivery_url=self._server.url(name, role="runhook_delivery", password=_PASSWORD),
            trigger_url=self._server.url(name, role="runhook_trigger", password=_PASSWORD),
        )

    async def drop(self, database: Database) -> None:
        """Drop a database, whoever is still connected."""
        await self._execute(f"drop database {database.name} with (force)")

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def running_server(binaries: Binaries) -> Iterator[Postgres]:
    """A throwaway server, for as long as the block lasts."""
    directory = Path(tempfile.mkdtemp(prefix="runhook-test-"))
    server = Postgres(directory, binaries, log=directory / "postgres.log", options=VOLATILE)
    try:
        asyncio.run(server.start())
        yield server
    finally:
        asyncio.run(server.stop())
        shutil.rmtree(directory)
