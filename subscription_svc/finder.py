"""Finds single subscriptions, the read that programs repeat most: what is asked for at once shares one query.

Invariant: a query begins after the question that it answers, so a caller reads its own writes.
"""

import asyncpg

from chassis.grouping import GroupCommit
from subscription_svc import look_up
from subscription_svc.store import subscription as store
from subscription_svc.store.subscription import Key
from subscription_svc.subscription import Subscription


class Finder:
    """Finds by account and public id. One query is under way; those who ask meanwhile share the next."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._group = GroupCommit[Key, Subscription | None]("find_subscription", self._find)

    async def find(self, account_id: int, public_id: str) -> Subscription:
        """The account's subscription of that id, whatever was sent as one. NotFound when it has none."""
        look_up.check_form(public_id)
        found = await self._group.submit((account_id, public_id))
        if found is None:
            raise look_up.not_found()
        return found

    async def _find(self, keys: list[Key]) -> list[Subscription | None]:
        found = await store.find(self._pool, keys)
        return [found.get(key) for key in keys]
