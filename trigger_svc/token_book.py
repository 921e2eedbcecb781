"""Which trigger a token leads to, remembered for some seconds. Guesses cost little: unknown tokens are remembered too.

Whether a trigger is enabled is not remembered: that is decided under the lock of its head.
"""

import time
from collections import Counter, OrderedDict

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
    """Finds triggers by token; many that ask at once share one query, and the calls of a token stay in their order."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._lookups = GroupCommit[bytes, Target | None]("token", self._find)
        self._remembered: OrderedDict[bytes, tuple[float, Target | None]] = OrderedDict()
        self._asking: Counter[bytes] = Counter()

    async def target(self, token: str) -> Target:
        """Where a token leads. NotFound when nowhere, Unavailable when the database does not say."""
        hashed = token_hash(token)
        if hashed is None:
            raise not_found()
        if self._asking[hashed] or not self._is_remembered(hashed):
            # Also when the answer has just come and others wait to be woken with it: nobody overtakes them.
            target = await self._ask(hashed)
        else:
            target = self._remembered[hashed][1]
        if target is None:
            raise not_found()
        return target

    async def _ask(self, hashed: bytes) -> Target | None:
        self._asking[hashed] += 1
        try:
            return await self._lookups.submit(hashed, size=len(hashed))
        finally:
            self._asking[hashed] -= 1
            if not self._asking[hashed]:
                del self._asking[hashed]

    async def _find(self, token_hashes: list[bytes]) -> list[Target | None]:
        found = {hashed: self._remembered[hashed][1] for hashed in token_hashes if self._is_remembered(hashed)}
        missing = set(token_hashes) - found.keys()
        if missing:
            found |= await self._look_up(missing)
        return [found.get(hashed) for hashed in token_hashes]

    async def _look_up(self, token_hashes: set[bytes]) -> dict[bytes, Target]:
        try:
            found = await triggers.find_targets(self._pool, list(token_hashes))
        except AWAY_ERRORS as error:
            raise away(error) from error
        now = time.monotonic()
        for hashed in token_hashes:
            target = found.get(hashed)
            self._remembered[hashed] = (now + (UNKNOWN_SECONDS if target is None else KNOWN_SECONDS), target)
            self._remembered.move_to_end(hashed)
        while len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return found

    def _is_remembered(self, hashed: bytes) -> bool:
        known = self._remembered.get(hashed)
        return known is not None and known[0] > time.monotonic()
