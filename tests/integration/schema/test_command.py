"""`python -m schema migrate`, as a deployment runs it before its services start."""

import os
import subprocess
import sys
from pathlib import Path

import asyncpg

from chassis.migrations import read_migrations
from schema import MIGRATIONS
from tests.support.postgres import Database

ROOT = Path(__file__).parents[3]


def migrate(url: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "schema", "migrate", *options],
        env={**os.environ, "RUNHOOK_DATABASE_URL": url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_it_says_what_it_applied_and_a_second_run_applies_nothing(empty_database: Database) -> None:
    first = migrate(empty_database.owner_url)
    applied = [f"applied {one.version:04}_{one.name}" for one in read_migrations(MIGRATIONS)]
    assert (first.stdout.splitlines(), first.stderr, first.returncode) == (
        [*applied, "the database is up to date"],
        "",
        0,
    )
    assert migrate(empty_database.owner_url).stdout == "the database is up to date\n"


async def test_a_newer_database_is_one_line_and_code_1(database: Database) -> None:
    connection = await asyncpg.connect(database.owner_url)
    await connection.execute("insert into runhook.schema_migration values (9999, 'future', 'unknown')")
    await connection.close()
    said = migrate(database.owner_url)
    assert (said.stdout, said.returncode, said.stderr.count("\n")) == ("", 1, 1)
    assert said.stderr.startswith("schema: the database is at version 9999")


async def test_a_release_that_was_rolled_back_leaves_a_newer_database_as_it_is(database: Database) -> None:
    """Unless what it knows itself ran there as something else: that is no database of its line."""
    connection = await asyncpg.connect(database.owner_url)
    await connection.execute("insert into runhook.schema_migration values (9999, 'future', 'unknown')")
    said = migrate(database.owner_url, "--or-newer")
    assert (said.stdout, said.stderr, said.returncode) == (
        "a newer release has migrated the database: this one runs on it as it is\n",
        "",
        0,
    )
    await connection.execute("update runhook.schema_migration set checksum = 'other' where version = 1")
    await connection.close()
    said = migrate(database.owner_url, "--or-newer")
    assert (said.stdout, said.returncode) == ("", 1)
    assert "differs from what ran here" in said.stderr


async def test_an_unreachable_database_is_one_line_and_code_1(database: Database) -> None:
    said = migrate(database.owner_url.replace(database.name, "no_such_database"))
    assert (said.stdout, said.returncode, said.stderr.count("\n")) == ("", 1, 1)
    assert said.stderr == 'schema: cannot use the database: database "no_such_database" does not exist\n'
