"""Reads accounts and their service tokens, a page at a time. Invariant: who is not one of ours sees one account, its own."""

import asyncpg

from chassis import paging
from chassis.caller import Caller
from subscription_svc.account import Account
from subscription_svc.service_token import ServiceToken
from subscription_svc.store import account, service_token

#: Lists of accounts and tokens are read whole, by programs.
DEFAULT_PAGE, LARGEST_PAGE = 100, 1_000


async def accounts(pool: asyncpg.Pool, caller: Caller, *, page_size: int, page_token: str) -> tuple[list[Account], str]:
    """The caller's accounts by number, and the token of the next page. InvalidInput."""
    page = _asked("accounts", page_size, page_token)
    if caller.account_id is None:
        found = await account.page(pool, after=page.after, most=page.most)
    else:
        own = await account.find(pool, caller.account_id) if caller.account_id > page.after else None
        found = [] if own is None else [own]
    return page.cut(found, lambda one: one.account_id)


async def tokens(
    pool: asyncpg.Pool, account_id: int, *, page_size: int, page_token: str
) -> tuple[list[ServiceToken], str]:
    """The account's tokens in the order of their making, and the token of the next page. InvalidInput."""
    page = _asked("service_tokens", page_size, page_token)
    found = await service_token.page(pool, account_id, after=page.after, most=page.most)
    return page.cut(found, lambda one: one.token_id)


def _asked(name: str, page_size: int, page_token: str) -> paging.Page:
    return paging.asked(name, page_size=page_size, page_token=page_token, default=DEFAULT_PAGE, largest=LARGEST_PAGE)
