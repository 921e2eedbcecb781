"""Replaces how a subscription is delivered to. Invariant: what is stored is sound, and all of it is replaced or nothing."""

import asyncpg

from chassis.errors import InvalidInput
from chassis.logs import get_logger
from subscription_svc import look_up, metrics
from subscription_svc.change import changing
from subscription_svc.delivery_settings import THE_PLATFORMS, DeliverySettings, broken_rules
from subscription_svc.store import delivery_setting

log = get_logger()


async def set_delivery_settings(
    pool: asyncpg.Pool, account_id: int, public_id: str, settings: DeliverySettings
) -> None:
    """They hold from the next lease on. InvalidInput names every bad field; NotFound."""
    look_up.check_form(public_id)
    if bad := broken_rules(settings):
        raise InvalidInput(bad)
    async with changing(pool, account_id, public_id) as (connection, subscription_id):
        if settings == THE_PLATFORMS:
            await delivery_setting.delete(connection, subscription_id)
        else:
            await delivery_setting.put(connection, subscription_id, settings)
    metrics.DELIVERY_SETTINGS_SET.inc()
    log.info(
        "delivery_settings.set",
        account=account_id,
        subscription=public_id,
        retries=None if settings.retry_delays is None else len(settings.retry_delays),
        concurrency=settings.concurrency,
        rate_per_second=settings.rate_per_second,
    )
