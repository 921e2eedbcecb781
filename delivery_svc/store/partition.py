"""Daily partitions of event, delivery and attempt; the functions are the owner's (schema runhook)."""

import asyncpg

MAKE = "select runhook.make_partitions('delivery')"
DROP = "select runhook.drop_partitions('delivery')"


async def make(pool: asyncpg.Pool) -> int:
    """Makes the missing ones of the next seven days. Returns how many."""
    return len(await pool.fetch(MAKE))


async def drop(pool: asyncpg.Pool) -> int:
    """Drops those past retention, one table's a transaction. Returns how many."""
    dropped = 0
    while rows := await pool.fetch(DROP):
        dropped += len(rows)
    return dropped
