"""Declared read of another owner's tables: whom a delivery goes to and how it is signed."""

import asyncpg

LOAD = """
select s.id, s.version, s.public_id, s.name, s.client_url, s.active and s.deleted_at is null as sendable,
       (select g.sealed from subscription.signing_secret g
         where g.subscription_id = s.id and (g.expires_at is null or g.expires_at > clock_timestamp())
         order by g.id limit 1) as sealed
  from subscription.subscription s
 where s.id = any ($1::bigint[])
"""


async def load(pool: asyncpg.Pool, subscription_ids: list[int]) -> list[asyncpg.Record]:
    """Id, version, public id, name, URL, whether it may be sent to, and the oldest living secret, sealed."""
    rows: list[asyncpg.Record] = await pool.fetch(LOAD, subscription_ids)
    return rows
