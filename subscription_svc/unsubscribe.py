"""Ends a subscription. Invariant: from the commit on nothing is sent to it, and its secrets and settings are gone."""

import asyncpg

from chassis.logs import get_logger
from subscription_svc import look_up, metrics
from subscription_svc.store import delivery_setting, interest, secret_setting, signing_secret
from subscription_svc.store import subscription as store

log = get_logger()


async def unsubscribe(pool: asyncpg.Pool, account_id: int, public_id: str) -> None:
    """Deletes it. The row stays, marked, for the deliveries that tell of it. NotFound when it is gone already."""
    look_up.check_form(public_id)
    async with pool.acquire() as connection, connection.transaction():
        subscription_id = await store.mark_deleted(connection, account_id, public_id)
        if subscription_id is None:
            raise look_up.not_found()
        await interest.delete_of(connection, subscription_id)
        await signing_secret.delete_of(connection, subscription_id)
        await secret_setting.delete_of(connection, subscription_id)
        await delivery_setting.delete(connection, subscription_id)
    metrics.DELETED.inc()
    log.info("subscription.deleted", account=account_id, subscription=public_id)
