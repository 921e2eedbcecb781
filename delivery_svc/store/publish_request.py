"""Remembered request ids: forgotten in batches by age (publishing.py remembers and recalls them)."""

import asyncpg

FORGET = """
delete from delivery.publish_request
 where ctid = any (array(
       select ctid from delivery.publish_request where published_at < clock_timestamp() - make_interval(secs => $1) limit $2))
"""


async def forget(pool: asyncpg.Pool, older_than_seconds: float, limit: int) -> int:
    """Deletes up to `limit` of the old ones. Returns how many."""
    tag = await pool.execute(FORGET, older_than_seconds, limit)
    return int(tag.rpartition(" ")[2])
