"""Makes an account and the token that administers it, in one transaction. Invariant: no account is without such a token."""

import asyncpg

from chassis.caller import Caller
from chassis.errors import AlreadyExists, FailedPrecondition, InvalidInput
from chassis.ids import ksuid
from chassis.logs import get_logger
from subscription_svc import metrics
from subscription_svc.account import NEXT_FREE, Account, NewAccount, broken_rules
from subscription_svc.create_token import hold_caller, insert_token, told
from subscription_svc.service_token import FIRST, ServiceToken
from subscription_svc.store import Connection
from subscription_svc.store import account as store

log = get_logger()


async def create_account(pool: asyncpg.Pool, caller: Caller, wish: NewAccount) -> tuple[Account, ServiceToken, str]:
    """The account, its first token and that token's text, which nobody can read again.

    InvalidInput names every bad field; AlreadyExists when the number is taken.
    """
    if bad := broken_rules(wish):
        raise InvalidInput(bad)
    async with pool.acquire() as connection, connection.transaction():
        await hold_caller(connection, caller)
        made = await _insert(connection, wish)
        token, text = await insert_token(connection, made.account_id, FIRST)
    metrics.ACCOUNT_CREATED.inc()
    log.info("account.created", account=made.account_id)
    told(token)
    return made, token, text


async def _insert(connection: Connection, wish: NewAccount) -> Account:
    public_id = "act_" + ksuid(int((await store.now(connection)).timestamp()))
    plan = wish.plan or ""
    if wish.account_id == NEXT_FREE:
        return await _insert_next(connection, public_id=public_id, name=wish.name, plan=plan)
    made = await store.insert_numbered(
        connection, account_id=wish.account_id, public_id=public_id, name=wish.name, plan=plan
    )
    if made is None:
        message = f"account {wish.account_id} is there already: choose another number, or 0 for the next free one"
        raise AlreadyExists("ACCOUNT_EXISTS", message)
    return made


async def _insert_next(connection: Connection, *, public_id: str, name: str, plan: str) -> Account:
    try:
        made = None
        while made is None:  # each time that it is None, somebody else has an account more
            made = await store.insert_next(connection, public_id=public_id, name=name, plan=plan)
        return made
    except asyncpg.NumericValueOutOfRangeError as error:
        message = "the highest number that an account can have is taken: choose a free one yourself"
        raise FailedPrecondition("NO_NUMBER_ABOVE", message) from error
