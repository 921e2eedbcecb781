"""Sets a subscription inactive because its endpoint fails. Invariant: what its owner changed meanwhile is left alone."""

import asyncpg

from chassis.errors import BadField, InvalidInput
from chassis.logs import get_logger
from subscription_svc import look_up, metrics, text
from subscription_svc.store import interest
from subscription_svc.store import subscription as store

log = get_logger()
LONGEST_REASON = 255


async def deactivate(pool: asyncpg.Pool, account_id: int, public_id: str, *, version: int, reason: str) -> bool:
    """Whether it is inactive because of this version's failures, now or since an earlier call. InvalidInput; NotFound.

    NotFound is for what cannot be an id; one that is deleted or unknown was not deactivated.
    """
    look_up.check_form(public_id)
    bad = [
        BadField("reason", complaint) for complaint in text.complaints(reason, longest=LONGEST_REASON, required=True)
    ]
    if version <= 0:
        bad.append(BadField("version", "must be a whole number above 0"))
    if bad:
        raise InvalidInput(bad)
    async with pool.acquire() as connection, connection.transaction():
        subscription_id = await store.deactivate(connection, account_id, public_id, version=version, reason=reason)
        if subscription_id is None:
            return await store.was_deactivated(connection, account_id, public_id, version=version)
        await interest.delete_of(connection, subscription_id)
    metrics.DEACTIVATED.inc()
    log.info("subscription.deactivated", account=account_id, subscription=public_id, version=version)
    return True
