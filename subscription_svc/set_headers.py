"""Replaces a subscription's custom headers. Invariant: they are stored sealed, all of them in one row, or not at all."""

import asyncpg

from chassis.errors import InvalidInput
from chassis.keyring import KeyRing
from chassis.logs import get_logger
from subscription_svc import look_up, metrics
from subscription_svc.change import changing
from subscription_svc.custom_headers import KIND, CustomHeader, broken_rules, dump, row_name
from subscription_svc.store import secret_setting

log = get_logger()


async def set_headers(
    pool: asyncpg.Pool, key_ring: KeyRing, account_id: int, public_id: str, headers: list[CustomHeader]
) -> None:
    """Every delivery carries these from now on, and no others. InvalidInput names every bad field; NotFound."""
    look_up.check_form(public_id)
    if bad := broken_rules(headers):
        raise InvalidInput(bad)
    async with changing(pool, account_id, public_id) as (connection, subscription_id):
        if headers:
            sealed = key_ring.seal(dump(headers), row_name(subscription_id))
            await secret_setting.put(connection, subscription_id, KIND, sealed)
        else:
            await secret_setting.delete(connection, subscription_id, KIND)
    metrics.HEADERS_SET.inc()
    log.info("custom_headers.set", account=account_id, subscription=public_id, count=len(headers))
