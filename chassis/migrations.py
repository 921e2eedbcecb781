"""Brings a database to the version of the code. Invariant: files run once, in order, by one process at a time.

A migration is a file `NNNN_what.sql`, numbered without gaps and never changed after it ran anywhere; each runs in one
transaction together with the row that remembers it in runhook.schema_migration (which the first one makes). A file that
begins with the line `-- no-transaction` holds exactly one statement that cannot run in one, and that may run twice.

Releases expand first and contract later, so a service accepts a database newer than itself; `migrate` does not.
"""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from chassis.logs import get_logger
from chassis.pooler import need_session

log = get_logger()

LOCK_KEY = 7_206_401_983_402  # any number, the same for all that migrate
LOCK_TIMEOUT_SECONDS = 5
WAIT_POLL_SECONDS = 1.0
NO_TRANSACTION = "-- no-transaction"
_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

HISTORY_EXISTS = "select to_regclass('runhook.schema_migration') is not null"
READ_HISTORY = "select version, name, checksum from runhook.schema_migration order by version"
READ_VERSION = "select coalesce(max(version), 0) from runhook.schema_migration"
REMEMBER = "insert into runhook.schema_migration (version, name, checksum) values ($1, $2, $3)"


class MigrationError(Exception):
    """The database was not brought up to date; the text is one line that says what to do."""


class ChangedMigration(MigrationError):
    """A file differs from what ran."""


class MigrationGap(MigrationError):
    """Numbers are missing or double."""


class NewerDatabase(MigrationError):
    """The database was migrated by a newer release."""


class FailedMigration(MigrationError):
    """A statement failed; its transaction was rolled back."""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One numbered file."""

    version: int
    name: str
    sql: str

    @property
    def file_name(self) -> str:
        """Such as 0001_foundation.sql."""
        return f"{self.version:04}_{self.name}.sql"

    @property
    def checksum(self) -> str:
        """Hex SHA-256 of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def in_transaction(self) -> bool:
        """Whether it runs inside a transaction."""
        return not self.sql.startswith(NO_TRANSACTION)


def read_migrations(folder: Path) -> list[Migration]:
    """The migrations of a folder in order. Raises MigrationGap unless they are numbered 1, 2, 3 and so on."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        matched = _FILE_NAME.fullmatch(path.name)
        if matched is None:
            raise MigrationGap(f"{path.name} is no migration's name: call it NNNN_what.sql")
        found.append(Migration(version=int(matched[1]), name=matched[2], sql=path.read_text(encoding="utf-8")))
    for place, migration in enumerate(found, start=1):
        if migration.version != place:
            raise MigrationGap(f"{migration.file_name} should be number {place:04}: close the gap")
    return found


async def migrate(dsn: str, migrations: Sequence[Migration]) -> list[Migration]:
    """Apply what is missing, as the owner at `dsn`, and return it. Others that migrate meanwhile wait for us.

    Raises a MigrationError; connection errors of asyncpg pass through, among them that a pooler leads there.
    """
    await need_session(dsn)
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "migrate"})
    try:
        # Held by the session, so it covers files without a transaction, and a killed process sets it free.
        await connection.execute("select pg_advisory_lock($1)", LOCK_KEY)
        await connection.execute(f"set lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
        missing = pending(migrations, await _history(connection))
        for migration in missing:
            await _apply(connection, migration)
        return missing
    finally:
        await connection.close()


def pending(migrations: Sequence[Migration], history: Sequence[tuple[int, str, str]]) -> list[Migration]:
    """What still has to run, given (version, name, checksum) of what ran, in order.

    Raises ChangedMigration, or NewerDatabase when all that is known here ran unchanged and more did.
    """
    by_version = {migration.version: migration for migration in migrations}
    for version, name, checksum in history:
        migration = by_version.get(version)
        if migration is None:
            raise NewerDatabase(
                f"the database is at version {history[-1][0]} and this release knows {len(migrations)}: "
                "use the release that migrated it, or restore the backup from before"
            )
        if migration.checksum != checksum:
            raise ChangedMigration(
                f"{migration.file_name} differs from what ran here as {version:04}_{name}: "
                "restore the file and put the change into a new migration"
            )
    return list(migrations[len(history) :])


async def wait_for_schema(connection: asyncpg.Connection | asyncpg.Pool, at_least: int) -> int:
    """Return the database's version once it is at least this one; logs while it waits, and waits for ever."""
    while True:
        version = await schema_version(connection)
        if version >= at_least:
            return version
        log.warning("schema.waiting", version=version, needed=at_least, hint="run: runhook migrate")
        await asyncio.sleep(WAIT_POLL_SECONDS)


async def schema_version(connection: asyncpg.Connection | asyncpg.Pool) -> int:
    """The version of the database; 0 before the first migration."""
    if not await connection.fetchval(HISTORY_EXISTS):
        return 0
    return int(await connection.fetchval(READ_VERSION))


async def _history(connection: asyncpg.Connection) -> list[tuple[int, str, str]]:
    if not await connection.fetchval(HISTORY_EXISTS):
        return []
    return [(row["version"], row["name"], row["checksum"]) for row in await connection.fetch(READ_HISTORY)]


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    try:
        if migration.in_transaction:
            async with connection.transaction():
                await connection.execute(migration.sql)
                await connection.execute(REMEMBER, migration.version, migration.name, migration.checksum)
        else:
            await connection.execute(migration.sql)
            await connection.execute(REMEMBER, migration.version, migration.name, migration.checksum)
    except asyncpg.InsufficientPrivilegeError as error:
        raise FailedMigration(
            f"{migration.file_name}: {error}: migrate as the owner of the database, "
            "with CREATEROLE unless the roles of schema/roles.sql exist"
        ) from error
    except asyncpg.LockNotAvailableError as error:
        raise FailedMigration(
            f"{migration.file_name} waited {LOCK_TIMEOUT_SECONDS} s for a lock: run it again"
        ) from error
    except asyncpg.DeadlockDetectedError as error:
        raise FailedMigration(
            f"{migration.file_name} and running processes waited for each other's locks: run it again"
        ) from error
    except asyncpg.PostgresError as error:
        raise FailedMigration(f"{migration.file_name}: {error}") from error
    log.info("schema.migrated", version=migration.version, name=migration.name)
