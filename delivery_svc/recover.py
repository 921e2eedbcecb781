"""Recover: begins, tells of and ends recoveries. Invariant: one at a time runs per subscription."""

from collections.abc import Callable
from datetime import datetime

import asyncpg

from chassis.errors import BadField, FailedPrecondition, InvalidInput, NotFound
from chassis.ids import is_id
from chassis.logs import get_logger
from delivery_svc import recovery as rules
from delivery_svc.event import RUN_TYPES
from delivery_svc.operational import OPERATIONAL_TYPES
from delivery_svc.recovery import NewRecovery, Recovery
from delivery_svc.redeliver import inactive, no_subscription
from delivery_svc.store import recovery, subscription

log = get_logger()


class Recoveries:
    """Those of all accounts. `wake_recoverer` is called when one begins."""

    def __init__(self, pool: asyncpg.Pool, wake_recoverer: Callable[[], None]) -> None:
        self._pool = pool
        self._wake_recoverer = wake_recoverer

    async def start(self, wish: NewRecovery) -> Recovery:
        """Begins one. InvalidInput, NotFound; FailedPrecondition when nothing would be sent or another one runs."""
        key, until, found = await self._look(wish)
        recovery_id = await recovery.insert(self._pool, key, wish, until, found)
        if recovery_id is None:
            raise FailedPrecondition(
                "RECOVERY_UNDER_WAY", "a recovery of this subscription runs: wait for its end, or cancel it"
            )
        self._wake_recoverer()
        log.info("recovery.started", account=wish.account_id, subscription=wish.subscription_id, found=found)
        return await self.get(wish.account_id, recovery_id)

    async def would_find(self, wish: NewRecovery) -> int:
        """How many deliveries it would find among the oldest 100,000 of its span.

        InvalidInput, NotFound; FailedPrecondition when nothing would be sent.
        """
        _, _, found = await self._look(wish)
        return found

    async def get(self, account_id: int, recovery_id: int) -> Recovery:
        """One as it is now. NotFound."""
        found = await recovery.by_id(self._pool, account_id, recovery_id)
        if found is None:
            raise NotFound("RECOVERY_NOT_FOUND", "the account has no such recovery: list those of the subscription")
        return found

    async def newest(self, account_id: int, public_id: str) -> list[Recovery]:
        """A subscription's, newest first, at most 100. NotFound."""
        key = await self._subscription(account_id, public_id)
        return await recovery.newest(self._pool, key, rules.MOST_LISTED)

    async def cancel(self, account_id: int, recovery_id: int) -> Recovery:
        """Ends one, or leaves it as it ended. NotFound."""
        await recovery.cancel(self._pool, account_id, recovery_id)
        return await self.get(account_id, recovery_id)

    async def _look(self, wish: NewRecovery) -> tuple[int, datetime, int]:
        """The subscription's key, where the span ends, and how many are in it."""
        _check(wish)
        key = await self._subscription(wish.account_id, wish.subscription_id)
        [profile] = await subscription.load(self._pool, [key])
        if not profile["sendable"]:
            raise inactive()
        until = wish.published_before or await recovery.now(self._pool)
        return key, until, await recovery.count(self._pool, key, wish, until, rules.MOST_COUNTED)

    async def _subscription(self, account_id: int, public_id: str) -> int:
        found = await subscription.find(self._pool, account_id, public_id) if is_id("wsu_", public_id) else None
        if found is None:
            raise no_subscription()
        key: int = found["id"]
        return key


def _check(wish: NewRecovery) -> None:
    """InvalidInput names every bad field."""
    bad = []
    after, before = wish.published_after, wish.published_before
    if after is None:
        bad.append(BadField("recovery.published_after", "is required"))
    elif before is not None and before <= after:
        bad.append(BadField("recovery.published_before", "must be later than published_after"))
    types = RUN_TYPES | OPERATIONAL_TYPES
    if wish.event_type is not None and wish.event_type not in types:
        bad.append(BadField("recovery.event_type", f"must be one of {', '.join(sorted(types))}, or empty"))
    if wish.job_id is not None and wish.job_id < 0:
        bad.append(BadField("recovery.job_id", "must not be below 0"))
    if bad:
        raise InvalidInput(bad)
