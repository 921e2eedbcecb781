"""Table subscription.service_token. Tokens are stored as SHA-256 alone."""

from subscription_svc.store import Connection

INSERT_TOKEN = """
insert into subscription.service_token (account_id, token_hash, name, permission_set)
values ($1, $2, $3, $4)
on conflict (token_hash) do nothing
"""

READ_OWNER = "select account_id from subscription.service_token where token_hash = $1"


async def insert(connection: Connection, *, account_id: int, token_hash: bytes, name: str, permission_set: str) -> None:
    """Makes the token; leaves one of that hash as it is, revoked or not."""
    await connection.execute(INSERT_TOKEN, account_id, token_hash, name, permission_set)


async def owner(connection: Connection, token_hash: bytes) -> int | None:
    """The account that the token belongs to."""
    found: int | None = await connection.fetchval(READ_OWNER, token_hash)
    return found
