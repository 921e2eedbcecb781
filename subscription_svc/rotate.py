"""Rotates a signing secret: a second one for a while, then that one alone.

Invariant: at most two live, of which the newer has no end.
"""

from datetime import datetime, timedelta

import asyncpg

from chassis.errors import FailedPrecondition
from chassis.keyring import KeyRing
from chassis.logs import get_logger
from subscription_svc import metrics
from subscription_svc.change import changing
from subscription_svc.secret import new_secret, row_name
from subscription_svc.store import signing_secret

log = get_logger()


async def rotate(
    pool: asyncpg.Pool, key_ring: KeyRing, account_id: int, public_id: str, overlap: timedelta
) -> tuple[str, datetime | None]:
    """The new secret, which nobody can read again, and when the old one ends. NotFound; FailedPrecondition while two live."""
    async with changing(pool, account_id, public_id) as (connection, subscription_id):
        await signing_secret.delete_expired_of(connection, subscription_id)
        ends_at = await signing_secret.end_of_old(connection, subscription_id)
        if ends_at is not None:
            message = f"two secrets live until {ends_at:%Y-%m-%dT%H:%M:%SZ}: promote the new one, or wait until then"
            raise FailedPrecondition("ROTATION_UNDER_WAY", message)
        ends_at = await signing_secret.end_lasting(connection, subscription_id, overlap)
        if not overlap:
            await signing_secret.delete_expired_of(connection, subscription_id)
        secret = new_secret()
        await signing_secret.insert(
            connection, subscription_id, key_ring.seal(secret.encode(), row_name(subscription_id))
        )
    metrics.ROTATED.inc()
    log.info(
        "signing_secret.rotated",
        account=account_id,
        subscription=public_id,
        overlap_seconds=int(overlap.total_seconds()),
    )
    return secret, ends_at


async def promote(pool: asyncpg.Pool, account_id: int, public_id: str) -> None:
    """Ends the old secret now. NotFound; FailedPrecondition when there is one secret only."""
    async with changing(pool, account_id, public_id) as (connection, subscription_id):
        if not await signing_secret.delete_ending(connection, subscription_id):
            raise FailedPrecondition("NO_ROTATION", "one signing secret lives: rotate it first")
    metrics.PROMOTED.inc()
    log.info("signing_secret.promoted", account=account_id, subscription=public_id)
