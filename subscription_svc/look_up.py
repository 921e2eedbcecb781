"""Reads subscriptions. Invariant: another account's, a deleted and an unknown one look the same: not found."""

import asyncpg

from chassis.errors import BadField, InvalidInput, NotFound
from chassis.ids import is_id
from subscription_svc.store import subscription as store
from subscription_svc.subscription import Subscription

DEFAULT_PAGE = 10
LARGEST_PAGE = 100


async def one(pool: asyncpg.Pool, account_id: int, public_id: str) -> Subscription:
    """The account's subscription of that id, whatever was sent as one."""
    check_form(public_id)
    found = await store.find(pool, account_id, public_id)
    if found is None:
        raise not_found()
    return found


async def page(pool: asyncpg.Pool, account_id: int, *, page_size: int, skip: int) -> tuple[list[Subscription], int]:
    """At most `page_size` (0: 10, above 100: 100) after the first `skip`, and how many there are in all."""
    numbers = {"page_size": page_size, "skip": skip}
    if bad := [BadField(field, "must not be below 0") for field, number in numbers.items() if number < 0]:
        raise InvalidInput(bad)
    return await store.page(pool, account_id, limit=min(page_size or DEFAULT_PAGE, LARGEST_PAGE), offset=skip)


def check_form(public_id: str) -> None:
    """NotFound for what cannot be an id, before Postgres sees it: callers may send any text, NUL included."""
    if not is_id("wsu_", public_id):
        raise not_found()


def not_found() -> NotFound:
    """The one answer for all that is not there."""
    return NotFound("SUBSCRIPTION_NOT_FOUND", "the account has no such subscription: list those it has")
