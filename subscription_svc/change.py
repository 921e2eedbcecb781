"""The transaction in which something beside a subscription's configuration changes: its secrets, how it is delivered to.

Invariant: its version is raised by the same transaction, so delivery_svc reads it anew, and of two at once one comes after the
other. updated_at stays: the configuration that callers see is the same.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from subscription_svc import look_up
from subscription_svc.store import Connection
from subscription_svc.store import subscription as store


@asynccontextmanager
async def changing(pool: asyncpg.Pool, account_id: int, public_id: str) -> AsyncIterator[tuple[Connection, int]]:
    """The connection of the transaction and the subscription's inner id; committed at its end. NotFound."""
    look_up.check_form(public_id)
    async with pool.acquire() as connection, connection.transaction():
        subscription_id = await store.raise_version(connection, account_id, public_id)
        if subscription_id is None:
            raise look_up.not_found()
        yield connection, subscription_id
