"""Erase: begins and tells of erasures. Invariant: of an account one at a time runs that is not of a single event."""

from collections.abc import Callable

import asyncpg

from chassis.errors import BadField, FailedPrecondition, InvalidInput, NotFound
from chassis.ids import is_id
from chassis.logs import get_logger
from delivery_svc import erasure as rules
from delivery_svc.erasure import Erasure, NewErasure
from delivery_svc.store import erasure

log = get_logger()


class Erasures:
    """Those of all accounts. `wake_eraser` is called when one begins."""

    def __init__(self, pool: asyncpg.Pool, wake_eraser: Callable[[], None]) -> None:
        self._pool = pool
        self._wake_eraser = wake_eraser

    async def start(self, wish: NewErasure) -> Erasure:
        """Begins one. InvalidInput; NotFound for an unknown event; FailedPrecondition while one of the account's runs."""
        if wish.event_id is None:
            erasure_id = await erasure.insert_of_account(self._pool, wish)
        else:
            if wish.published_before is not None:
                raise InvalidInput([BadField("erasure.published_before", "must not stand beside event_id")])
            known = is_id("wev_", wish.event_id) and await erasure.event_known(
                self._pool, wish.account_id, wish.event_id
            )
            if not known:
                raise NotFound("EVENT_NOT_FOUND", "the account has no such event, or it is older than 30 days")
            erasure_id = await erasure.insert_of_event(self._pool, wish)
        if erasure_id is None:
            raise FailedPrecondition("ERASURE_UNDER_WAY", "an erasure of this account runs: wait for its end")
        self._wake_eraser()
        log.info("erasure.started", account=wish.account_id, erasure=erasure_id, event_id=wish.event_id)
        return await self.get(wish.account_id, erasure_id)

    async def get(self, account_id: int, erasure_id: int) -> Erasure:
        """One as it is now. NotFound."""
        found = await erasure.by_id(self._pool, account_id, erasure_id)
        if found is None:
            raise NotFound("ERASURE_NOT_FOUND", "the account has no such erasure: list those it has")
        return found

    async def newest(self, account_id: int) -> list[Erasure]:
        """An account's, newest first, at most 100."""
        return await erasure.newest(self._pool, account_id, rules.MOST_LISTED)
