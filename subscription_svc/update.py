"""Replaces a subscription's configuration as a whole. Invariant: of two at once the later starts from the earlier."""

from dataclasses import replace

import asyncpg

from chassis.errors import InvalidInput
from chassis.etag import check_etag
from chassis.logs import get_logger
from subscription_svc import look_up, metrics
from subscription_svc.store import Connection, interest
from subscription_svc.store import subscription as store
from subscription_svc.subscription import Configuration, Subscription, broken_rules, interests, revised

log = get_logger()


async def update(
    pool: asyncpg.Pool,
    account_id: int,
    public_id: str,
    wish: Configuration,
    event_types: tuple[str, ...],
    *,
    etag: str,
) -> Subscription:
    """The subscription as it is now. NotFound comes before InvalidInput, which names every bad field, and that before
    FailedPrecondition for an etag of another version.

    `event_types` are those that the account's subscriptions may want.
    """
    look_up.check_form(public_id)
    async with pool.acquire() as connection, connection.transaction():
        before = await store.find_and_lock(connection, account_id, public_id)
        if before is None:
            raise look_up.not_found()
        if bad := broken_rules(wish, event_types):
            raise InvalidInput(bad)
        check_etag(etag, before.version, "subscription")
        after = await _replace(connection, before, wish)
    metrics.UPDATED.inc()
    log.info("subscription.updated", account=account_id, subscription=public_id, active=after.configuration.active)
    return after


async def _replace(connection: Connection, before: Subscription, wish: Configuration) -> Subscription:
    active, reason = revised(before, wish)
    now_wished = replace(wish, active=active)
    updated_at, version = await store.update(connection, before.id, now_wished, reason)
    wanted = interests(now_wished)
    if wanted != interests(before.configuration):
        await interest.delete_of(connection, before.id)
        await interest.insert(connection, before.account_id, before.id, wanted)
    return replace(before, configuration=now_wished, deactivate_reason=reason, updated_at=updated_at, version=version)
