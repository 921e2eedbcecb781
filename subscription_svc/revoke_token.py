"""Ends a service token.

Invariant: nobody locks themselves out: the last token that administers an account does not end itself.
"""

import asyncpg

from chassis.caller import Caller
from chassis.errors import FailedPrecondition, NotFound
from chassis.logs import get_logger
from subscription_svc import metrics
from subscription_svc.create_token import hold_caller
from subscription_svc.service_token import ServiceToken
from subscription_svc.store import Connection, account
from subscription_svc.store import service_token as store

log = get_logger()


async def revoke_token(pool: asyncpg.Pool, caller: Caller, account_id: int, token_id: int) -> ServiceToken:
    """The token as it is now; one that was revoked before keeps its time. NotFound; FailedPrecondition."""
    async with pool.acquire() as connection, connection.transaction():
        # Two that end at once would each take the other for the one that remains.
        await account.lock(connection, account_id)
        token = await store.find(connection, account_id, token_id)
        if token is None:
            raise NotFound("TOKEN_NOT_FOUND", "the account has no such service token: list those it has")
        if token.revoked_at is not None:
            return token
        await hold_caller(connection, caller)
        await _keep_an_admin(connection, caller, token)
        token = await store.revoke(connection, token_id)
    metrics.TOKEN_REVOKED.inc()
    log.info("service_token.revoked", account=account_id, service_token=token_id)
    return token


async def _keep_an_admin(connection: Connection, caller: Caller, token: ServiceToken) -> None:
    if caller.token_id != token.token_id:
        return  # the caller lives and administers the account, or is one of our own processes
    if not await store.other_admin_lives(connection, token.account_id, token.token_id):
        message = "this is the account's last account_admin token: make another first, and revoke this one with that"
        raise FailedPrecondition("LAST_ADMIN_TOKEN", message)
