"""Which trigger a token leads to, remembered for some seconds. Guesses cost little: unknown tokens are remembered too.

Whether a trigger is enabled is not remembered: that is decided under the lock of its head.
"""

import time
from collections import OrderedDict

import asyncpg

from chassis.database import AWAY_ERRORS, away
from chassis.errors import NotFound
from chassis.grouping import GroupCommit
from trigger_svc.store import trigger as triggers
from trigger_svc.store.trigger import Target
from trigger_svc.trigger import token_hash

KNOWN_SECONDS = 5.0
UNKNOWN_SECONDS = 1.0
MOST_REMEMBERED = 20_000


def not_found() -> NotFound:
    """The one answer for unknown, expired, disabled and deleted: who guesses learns nothing."""
    return NotFound("TRIGGER_NOT_FOUND", "there is no such trigger: check the URL")


class TokenBook:
    """Finds triggers by token; many that ask at once share one query."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._lookups = GroupCommit[bytes, Target | None]("token", self._find)
        self._remembered: OrderedDict[bytes, tuple[float, Target | None]] = OrderedDict()

    async def target(self, token: str) -> Target:
        """Where a token leads. NotFound when nowhere, Unavailable when the database does not say."""
        hashed = token_hash(token)
        if hashed is None:
            raise not_found()
        known = self._remembered.get(hashed)
        target = known[1] if known and known[0] > time.monotonic() else await self._lookups.submit(hashed, size=32)
        if target is None:
            raise not_found()
        return target

    async def _find(self, token_hashes: list[bytes]) -> list[Target | None]:
        try:
            found = await triggers.find_targets(self._pool, list(set(token_hashes)))
        except AWAY_ERRORS as error:
            raise away(error) from error
        now = time.monotonic()
        for hashed in token_hashes:
            target = found.get(hashed)
            self._remembered[hashed] = (now + (UNKNOWN_SECONDS if target is None else KNOWN_SECONDS), target)
            self._remembered.move_to_end(hashed)
        while len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return [found.get(hashed) for hashed in token_hashes]
