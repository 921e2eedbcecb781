"""schema/schema.sql is the sum of the migrations, so that a change of the schema is read as one."""

import os

from standalone import binaries
from tests.support.golden import GOLDEN, MAJOR, dump
from tests.support.postgres import Database
from tests.support.require import missing


async def test_the_golden_schema_is_what_the_migrations_make(database: Database) -> None:
    chosen = binaries.find(os.environ)
    if chosen.major != MAJOR:
        missing(f"pg_dump {MAJOR}")
    assert dump(chosen, database.owner_url) == GOLDEN.read_text(), "run: make schema"
