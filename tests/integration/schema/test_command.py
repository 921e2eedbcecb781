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


def migrate(url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "schema", "migrate"],
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


async def test_an_unreachable_database_is_one_line_and_code_1(database: Database) -> None:
    said = migrate(database.owner_url.replace(database.name, "no_such_database"))
    assert (said.stdout, said.returncode, said.stderr.count("\n")) == ("", 1, 1)
    assert said.stderr == 'schema: cannot use the database: database "no_such_database" does not exist\n'
