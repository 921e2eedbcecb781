"""Reads subscriptions, how they are delivered to, and what of their secrets may be told.

Invariant: another account's, a deleted and an unknown one look the same: not found.
"""

import asyncpg

from chassis.errors import BadField, FailedPrecondition, InvalidInput, NotFound
from chassis.ids import is_id
from chassis.keyring import KeyRing
from chassis.logs import get_logger
from subscription_svc import client_certificate, custom_headers
from subscription_svc.delivery_settings import DeliverySettings
from subscription_svc.secret import SigningSecret
from subscription_svc.store import delivery_setting, secret_setting, signing_secret
from subscription_svc.store import subscription as store
from subscription_svc.store.secret_setting import SealedSetting
from subscription_svc.subscription import Subscription

log = get_logger()
DEFAULT_PAGE = 10
LARGEST_PAGE = 100


async def page(pool: asyncpg.Pool, account_id: int, *, page_size: int, skip: int) -> tuple[list[Subscription], int]:
    """At most `page_size` (0: 10, above 100: 100) after the first `skip`, and how many there are in all."""
    numbers = {"page_size": page_size, "skip": skip}
    if bad := [BadField(field, "must not be below 0") for field, number in numbers.items() if number < 0]:
        raise InvalidInput(bad)
    return await store.page(pool, account_id, limit=min(page_size or DEFAULT_PAGE, LARGEST_PAGE), offset=skip)


async def signing_secrets(pool: asyncpg.Pool, account_id: int, public_id: str) -> list[SigningSecret]:
    """The living ones, first the one that signs `Authorization`."""
    check_form(public_id)
    found = await signing_secret.living(pool, account_id, public_id)
    if found is None:
        raise not_found()
    return found


async def names_of_headers(pool: asyncpg.Pool, key_ring: KeyRing, account_id: int, public_id: str) -> list[str]:
    """The names of its custom headers, in order. FailedPrecondition when their key is gone."""
    found = await _secret_setting(pool, account_id, public_id, custom_headers.KIND)
    if found.sealed is None:
        return []
    try:
        return custom_headers.names(key_ring.open(found.sealed, custom_headers.row_name(found.subscription_id)))
    except ValueError as error:
        log.error("custom_headers.unreadable", account=account_id, subscription=public_id, error=str(error))
        message = "the custom headers cannot be read with the platform's keys: set them again"
        raise FailedPrecondition("HEADERS_UNREADABLE", message) from error


async def told_of_certificate(pool: asyncpg.Pool, account_id: int, public_id: str) -> client_certificate.Told | None:
    """What may be told of its client certificate, None when it has none. No key is needed for that."""
    found = await _secret_setting(pool, account_id, public_id, client_certificate.KIND)
    return None if found.told is None else client_certificate.load_told(found.told)


async def delivery_settings(pool: asyncpg.Pool, account_id: int, public_id: str) -> DeliverySettings:
    """How it is delivered to."""
    check_form(public_id)
    found = await delivery_setting.find(pool, account_id, public_id)
    if found is None:
        raise not_found()
    return found


async def _secret_setting(pool: asyncpg.Pool, account_id: int, public_id: str, kind: str) -> SealedSetting:
    check_form(public_id)
    found = await secret_setting.find(pool, account_id, public_id, kind)
    if found is None:
        raise not_found()
    return found


def check_form(public_id: str) -> None:
    """NotFound for what cannot be an id, before Postgres sees it: callers may send any text, NUL included."""
    if not is_id("wsu_", public_id):
        raise not_found()


def not_found() -> NotFound:
    """The one answer for all that is not there."""
    return NotFound("SUBSCRIPTION_NOT_FOUND", "the account has no such subscription: list those it has")
