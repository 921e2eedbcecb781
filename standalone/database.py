"""A database that is ready for the services. Invariant: migrated, roles prepared, whichever Postgres it is in."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from chassis.migrations import MigrationError
from schema.roles import ROLES, RolesRefused, prepare_roles
from schema.upgrade import upgrade
from standalone import binaries
from standalone.home import Home, new_password
from standalone.postgres import Postgres
from standalone.trouble import Trouble

NAME = "runhook"
# Queue tables must be vacuumed soon after they were busy; the default looks once a minute.
_OPTIONS = {"max_connections": "200", "autovacuum_naptime": "5s"}
_CONNECT_SECONDS = 10.0
_UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, ValueError)


@dataclass(frozen=True, kw_only=True)
class ReadyDatabase:
    """The owner's URL and each service's by its role; `postgres` is the server if it is ours."""

    owner_url: str
    role_urls: dict[str, str]
    postgres: Postgres | None


@asynccontextmanager
async def ready_database(home: Home, url: str | None) -> AsyncIterator[ReadyDatabase]:
    """Use the database at `url`, or an embedded Postgres that ends with the block. Raises Trouble."""
    if url is not None:
        await _check_server(url)
        yield await _prepare(home, url, None)
        return
    postgres = Postgres(
        home.directory, binaries.find(os.environ), log=home.log("postgres"), options=_OPTIONS, inherit=[home.lock]
    )
    try:
        await postgres.start()
        await _create_database(postgres.url("postgres"))
        yield await _prepare(home, postgres.url(NAME), postgres)
    finally:
        await postgres.stop()


async def _check_server(url: str) -> None:
    try:
        connection = await asyncpg.connect(url, timeout=_CONNECT_SECONDS)
    except _UNREACHABLE as error:
        parts = urlsplit(url)
        reason = str(error) or f"no answer in {_CONNECT_SECONDS:.0f} s"
        raise Trouble(
            f"DATABASE_URL: cannot connect to {parts.hostname}:{parts.port or 5432}{parts.path}: {reason}"
        ) from error
    version = connection.get_server_version()
    await connection.close()
    if version.major < binaries.OLDEST:
        raise Trouble(f"DATABASE_URL: PostgreSQL {version.major} is too old: use {binaries.OLDEST} or later")


async def _create_database(admin_url: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        if not await connection.fetchval("select exists (select from pg_database where datname = $1)", NAME):
            await connection.execute(f"create database {NAME}")
    finally:
        await connection.close()


async def _prepare(home: Home, owner_url: str, postgres: Postgres | None) -> ReadyDatabase:
    passwords = {role: _password(home.secret(f"{role}.password", new_password)) for role in ROLES}
    try:
        await upgrade(owner_url)
        await prepare_roles(owner_url, passwords)
    except (MigrationError, RolesRefused) as error:
        raise Trouble(str(error)) from error
    except _UNREACHABLE as error:
        raise Trouble(f"the database could not be prepared: {error}") from error
    role_urls = {role: as_role(owner_url, role, password) for role, password in passwords.items()}
    return ReadyDatabase(owner_url=owner_url, role_urls=role_urls, postgres=postgres)


def as_role(url: str, role: str, password: str) -> str:
    """The same database for another login role."""
    parts = urlsplit(url)
    hosts = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(password, safe='')}@{hosts}"))


def _password(path: Path) -> str:
    return path.read_text().strip()
