"""Brings a database all the way up to date: migrations, then partitions for the coming days, as its owner."""

import asyncpg

from chassis.migrations import Migration, migrate, read_migrations
from schema import MIGRATIONS

MAKE_PARTITIONS = """
select runhook.make_partitions(owner_schema)
from (select distinct split_part(parent, '.', 1) as owner_schema from runhook.partitioned_table) as owners
"""


async def upgrade(dsn: str) -> list[Migration]:
    """Apply the missing migrations, make missing partitions, return what was applied. Raises MigrationError."""
    applied = await migrate(dsn, read_migrations(MIGRATIONS))
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(MAKE_PARTITIONS)
    finally:
        await connection.close()
    return applied
