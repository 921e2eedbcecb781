"""Table subscription.signing_secret. Only sealed secrets enter it; of one subscription the oldest living one signs first."""

from datetime import datetime, timedelta

import asyncpg

from subscription_svc.secret import SigningSecret
from subscription_svc.store import Connection

INSERT_SECRET = """
insert into subscription.signing_secret (subscription_id, sealed)
values ($1, $2)
"""

DELETE_OF_SUBSCRIPTION = "delete from subscription.signing_secret where subscription_id = $1"

DELETE_EXPIRED_OF_SUBSCRIPTION = """
delete from subscription.signing_secret
 where subscription_id = $1
   and expires_at <= clock_timestamp()
"""

# A row of a rotation or deletion under way is left to it.
DELETE_EXPIRED = """
delete from subscription.signing_secret
 where id = any (array(select id
                         from subscription.signing_secret
                        where expires_at <= clock_timestamp()
                        limit $1
                          for update skip locked))
"""

READ_END = """
select expires_at
  from subscription.signing_secret
 where subscription_id = $1
   and expires_at > clock_timestamp()
"""

END_LASTING = """
update subscription.signing_secret
   set expires_at = clock_timestamp() + $2::interval
 where subscription_id = $1
   and expires_at is null
returning expires_at
"""

DELETE_ENDING = """
delete from subscription.signing_secret
 where subscription_id = $1
   and expires_at is not null
returning expires_at > clock_timestamp() as living
"""

LIST_LIVING = """
select g.created_at, g.expires_at
  from subscription.subscription s
  left join subscription.signing_secret g
    on g.subscription_id = s.id
   and (g.expires_at is null or g.expires_at > clock_timestamp())
 where s.public_id = $2
   and s.account_id = $1
   and s.deleted_at is null
 order by g.id
"""


async def insert(connection: Connection, subscription_id: int, sealed: bytes) -> None:
    """Adds a secret that lives until another takes its place."""
    await connection.execute(INSERT_SECRET, subscription_id, sealed)


async def delete_of(connection: Connection, subscription_id: int) -> None:
    """Forgets a subscription's secrets."""
    await connection.execute(DELETE_OF_SUBSCRIPTION, subscription_id)


async def delete_expired_of(connection: Connection, subscription_id: int) -> None:
    """Forgets those of a subscription whose end has passed."""
    await connection.execute(DELETE_EXPIRED_OF_SUBSCRIPTION, subscription_id)


async def delete_expired(pool: asyncpg.Pool, most: int) -> int:
    """Forgets those of any subscription whose end has passed, at most so many; how many it were."""
    said = await pool.execute(DELETE_EXPIRED, most)
    return int(said.removeprefix("DELETE "))


async def end_of_old(connection: Connection, subscription_id: int) -> datetime | None:
    """When the old one of two ends; None when one lives."""
    found: datetime | None = await connection.fetchval(READ_END, subscription_id)
    return found


async def end_lasting(connection: Connection, subscription_id: int, overlap: timedelta) -> datetime | None:
    """Gives the one without an end one, `overlap` from now, and returns it."""
    ends_at: datetime | None = await connection.fetchval(END_LASTING, subscription_id, overlap)
    return ends_at


async def delete_ending(connection: Connection, subscription_id: int) -> bool:
    """Forgets all but the one without an end; whether one of them still lived."""
    rows = await connection.fetch(DELETE_ENDING, subscription_id)
    return any(row["living"] for row in rows)


async def living(pool: asyncpg.Pool, account_id: int, public_id: str) -> list[SigningSecret] | None:
    """The subscription's living secrets, the oldest first; None when there is no such subscription."""
    rows = await pool.fetch(LIST_LIVING, account_id, public_id)
    if not rows:
        return None
    return [
        SigningSecret(created_at=row["created_at"], expires_at=row["expires_at"])
        for row in rows
        if row["created_at"] is not None
    ]
