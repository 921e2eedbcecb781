"""Makes a service token. Invariants: no account exceeds its limit, however many ask at once; a revoked token makes none."""

import asyncpg

from chassis.caller import Caller
from chassis.errors import InvalidInput, NotFound, ResourceExhausted, Unauthenticated
from chassis.logs import get_logger
from subscription_svc import metrics
from subscription_svc.service_token import NewToken, ServiceToken, broken_rules, hash_of, new_text
from subscription_svc.store import Connection, account
from subscription_svc.store import service_token as store

log = get_logger()


async def create_token(
    pool: asyncpg.Pool, caller: Caller, account_id: int, wish: NewToken, *, most: int
) -> tuple[ServiceToken, str]:
    """The new token and its text, which nobody can read again.

    InvalidInput names every bad field; NotFound when there is no such account; ResourceExhausted at `most` living ones.
    """
    async with pool.acquire() as connection, connection.transaction():
        owner = await account.lock(connection, account_id)
        if owner is None:
            raise NotFound("ACCOUNT_NOT_FOUND", "there is no such account")
        await hold_caller(connection, caller)
        if bad := broken_rules(wish, owner.now):
            raise InvalidInput(bad)
        if await store.count_living(connection, account_id) >= most:
            raise ResourceExhausted("TOKEN_LIMIT", f"the account has its {most:,} service tokens: revoke one first")
        made, text = await insert_token(connection, account_id, wish)
    told(made)
    return made, text


async def insert_token(connection: Connection, account_id: int, wish: NewToken) -> tuple[ServiceToken, str]:
    """The token and its text, inside the caller's transaction."""
    text = new_text()
    return await store.insert_new(connection, account_id=account_id, token_hash=hash_of(text), wish=wish), text


async def hold_caller(connection: Connection, caller: Caller) -> None:
    """Keeps the caller's token from being revoked until the transaction ends. Unauthenticated when it was already.

    Services remember a token for some seconds: in these, one that was stolen and revoked must not make itself a successor.
    """
    if caller.token_id is not None and not await store.hold_living(connection, caller.token_id):
        raise Unauthenticated("TOKEN_UNKNOWN", "the token is unknown, revoked or expired: make a new one")


def told(made: ServiceToken) -> None:
    """Counts and logs a token whose transaction is committed."""
    metrics.TOKEN_CREATED.inc()
    log.info(
        "service_token.created",
        account=made.account_id,
        service_token=made.token_id,
        permission_set=made.permission_set,
    )
