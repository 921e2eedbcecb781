"""Table subscription.service_token. Tokens are stored as SHA-256 alone; last_used_at is written by runhook.caller_of_token."""

from typing import Any

import asyncpg

from subscription_svc.service_token import NewToken, ServiceToken
from subscription_svc.store import Connection

INSERT_TOKEN = """
insert into subscription.service_token (account_id, token_hash, name, permission_set)
values ($1, $2, $3, $4)
on conflict (token_hash) do nothing
"""

INSERT_NEW = """
insert into subscription.service_token (account_id, token_hash, name, permission_set, expires_at)
values ($1, $2, $3, $4, $5)
returning token_id, account_id, name, permission_set, expires_at, created_at, last_used_at, revoked_at
"""

READ_OWNER = "select account_id from subscription.service_token where token_hash = $1"

COUNT_LIVING = """
select count(*)
  from subscription.service_token
 where account_id = $1
   and revoked_at is null
   and (expires_at is null or expires_at > clock_timestamp())
"""

# Whoever revokes it waits until this transaction ends.
HOLD_LIVING = """
select true
  from subscription.service_token
 where token_id = $1
   and revoked_at is null
   and (expires_at is null or expires_at > clock_timestamp())
   for share
"""

OTHER_ADMIN_LIVES = """
select exists (select from subscription.service_token
                where account_id = $1
                  and token_id <> $2
                  and permission_set = 'account_admin'
                  and revoked_at is null
                  and (expires_at is null or expires_at > clock_timestamp()))
"""

FIND = """
select token_id, account_id, name, permission_set, expires_at, created_at, last_used_at, revoked_at
  from subscription.service_token
 where account_id = $1
   and token_id = $2
"""

REVOKE = """
update subscription.service_token
   set revoked_at = clock_timestamp()
 where token_id = $1
returning token_id, account_id, name, permission_set, expires_at, created_at, last_used_at, revoked_at
"""

LIST_PAGE = """
select token_id, account_id, name, permission_set, expires_at, created_at, last_used_at, revoked_at
  from subscription.service_token
 where account_id = $1
   and token_id > $2
 order by token_id
 limit $3
"""


async def insert(connection: Connection, *, account_id: int, token_hash: bytes, name: str, permission_set: str) -> None:
    """Makes the token; leaves one of that hash as it is, revoked or not."""
    await connection.execute(INSERT_TOKEN, account_id, token_hash, name, permission_set)


async def insert_new(connection: Connection, *, account_id: int, token_hash: bytes, wish: NewToken) -> ServiceToken:
    """Makes a token that was never there."""
    row = await connection.fetchrow(INSERT_NEW, account_id, token_hash, wish.name, wish.permission_set, wish.expires_at)
    return _token(row)


async def owner(connection: Connection, token_hash: bytes) -> int | None:
    """The account that the token belongs to."""
    found: int | None = await connection.fetchval(READ_OWNER, token_hash)
    return found


async def count_living(connection: Connection, account_id: int) -> int:
    """How many of the account's tokens let somebody in."""
    found: int = await connection.fetchval(COUNT_LIVING, account_id)
    return found


async def hold_living(connection: Connection, token_id: int) -> bool:
    """Whether the token lives; if so, nobody revokes it until the transaction ends."""
    return bool(await connection.fetchval(HOLD_LIVING, token_id))


async def other_admin_lives(connection: Connection, account_id: int, token_id: int) -> bool:
    """Whether somebody administers the account without this token."""
    return bool(await connection.fetchval(OTHER_ADMIN_LIVES, account_id, token_id))


async def find(connection: Connection, account_id: int, token_id: int) -> ServiceToken | None:
    """One of the account's tokens."""
    row = await connection.fetchrow(FIND, account_id, token_id)
    return None if row is None else _token(row)


async def revoke(connection: Connection, token_id: int) -> ServiceToken:
    """Ends the token now; the token as it is then."""
    return _token(await connection.fetchrow(REVOKE, token_id))


async def page(pool: asyncpg.Pool, account_id: int, *, after: int, most: int) -> list[ServiceToken]:
    """The account's tokens above a number, in the order of their making."""
    return [_token(row) for row in await pool.fetch(LIST_PAGE, account_id, after, most)]


def _token(row: Any) -> ServiceToken:
    return ServiceToken(
        token_id=row["token_id"],
        account_id=row["account_id"],
        name=row["name"],
        permission_set=row["permission_set"],
        expires_at=row["expires_at"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
    )
