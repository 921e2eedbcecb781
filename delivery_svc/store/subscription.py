"""Declared reads of another owner's tables: whom a delivery goes to, how it is signed, whose it is."""

import asyncpg

LOAD = """
select s.id, s.version, s.public_id, s.name, s.client_url, s.active and s.deleted_at is null as sendable,
       array(select g.sealed from subscription.signing_secret g
              where g.subscription_id = s.id order by g.id) as sealed_secrets,
       array(select (extract(epoch from g.expires_at) * 1000000)::bigint from subscription.signing_secret g
              where g.subscription_id = s.id order by g.id) as secret_expiries,
       (select h.sealed from subscription.secret_setting h
         where h.subscription_id = s.id and h.kind = 'custom_headers') as sealed_headers,
       (select h.sealed from subscription.secret_setting h
         where h.subscription_id = s.id and h.kind = 'client_certificate') as sealed_certificate,
       d.retry_delays, d.retry_jitter, d.concurrency, d.rate_per_second
  from subscription.subscription s
  left join subscription.delivery_setting d on d.subscription_id = s.id
 where s.id = any ($1::bigint[])
"""

FIND = """
select s.id, s.public_id, s.version, s.account_id, a.public_id as account_identifier
  from subscription.subscription s
  join subscription.account a on a.account_id = s.account_id
 where s.public_id = $2 and s.account_id = $1 and s.deleted_at is null
"""


async def load(pool: asyncpg.Pool, subscription_ids: list[int]) -> list[asyncpg.Record]:
    """Id, version, public id, name, URL, whether it may be sent to, what is secret of it, sealed, and how its owner wants to be
    delivered to (null: as everybody).

    Signing secrets, the oldest first, and when each ends (microseconds since 1970, None: it lasts): some may have ended.
    """
    rows: list[asyncpg.Record] = await pool.fetch(LOAD, subscription_ids)
    return rows


async def find(pool: asyncpg.Pool, account_id: int, public_id: str) -> asyncpg.Record | None:
    """One of the account's subscriptions: id, public_id, version, account_id, account_identifier."""
    return await pool.fetchrow(FIND, account_id, public_id)
