"""Makes the first account and its token, so that a fresh platform has somebody who may use it.

Invariant: it can run at every start, in every pod at once; it never changes an account or a token that is there.
"""

import hashlib
import time

import asyncpg

from chassis.ids import ksuid
from chassis.logs import get_logger
from chassis.settings import SettingsError
from subscription_svc.settings import TOKEN_FILE
from subscription_svc.store import account, service_token

log = get_logger()
ACCOUNT_NAME = "First account"


async def make_first_account(pool: asyncpg.Pool, account_id: int, token: str) -> None:
    """The account and its account_admin token. SettingsError when the token is another account's."""
    token_hash = hashlib.sha256(token.encode()).digest()
    async with pool.acquire() as connection, connection.transaction():
        public_id = "act_" + ksuid(int(time.time()))
        await account.insert(connection, account_id=account_id, public_id=public_id, name=ACCOUNT_NAME)
        await service_token.insert(
            connection,
            account_id=account_id,
            token_hash=token_hash,
            name="First token",
            permission_set="account_admin",
        )
        owner = await service_token.owner(connection, token_hash)
        if owner != account_id:
            raise SettingsError([f"{TOKEN_FILE}: the token belongs to account {owner}: use another one"])
    log.info("account.ready", account=account_id)
