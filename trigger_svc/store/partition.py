"""The daily partitions of schema trigger: made by the owner's functions, which this role may call."""

import asyncpg

MAKE_PARTITIONS = "select runhook.make_partitions('trigger') as name"
DROP_PARTITIONS = "select runhook.drop_partitions('trigger') as name"


async def make(pool: asyncpg.Pool) -> list[str]:
    """Makes what is missing from yesterday to seven days ahead; names of what was made."""
    return [row["name"] for row in await pool.fetch(MAKE_PARTITIONS)]


async def drop(pool: asyncpg.Pool) -> list[str]:
    """Drops what is past its retention, one table's a transaction; names of what was dropped."""
    dropped: list[str] = []
    while rows := await pool.fetch(DROP_PARTITIONS):
        dropped += [row["name"] for row in rows]
    return dropped
