"""Which trigger a token leads to, remembered for some seconds. Guesses cost little: unknown tokens are remembered too.

What its owner agreed on about its calls is read and its secrets are opened when the token is looked up, and kept as long as the
token and the trigger's version. Whether a trigger is enabled and the token still counts is decided under the lock of its head,
whatever is remembered.
"""

import time
from collections import Counter, OrderedDict

import asyncpg

from chassis.database import AWAY_ERRORS, away
from chassis.errors import NotFound
from chassis.grouping import GroupCommit
from chassis.keyring import KeyRing
from chassis.logs import get_logger
from trigger_svc import agreement as agreements
from trigger_svc.admission import Target
from trigger_svc.agreement import Agreement
from trigger_svc.refusal import unreadable
from trigger_svc.store import token as tokens
from trigger_svc.store.token import TargetRow
from trigger_svc.trigger import token_hash

log = get_logger()
KNOWN_SECONDS = 5.0
UNKNOWN_SECONDS = 1.0
MOST_REMEMBERED = 20_000


class Unreadable:
    """A trigger whose secrets do not open, or whose agreement cannot be read: its calls are refused, and no others."""


def not_found() -> NotFound:
    """The one answer for unknown, expired, disabled and deleted: who guesses learns nothing."""
    return NotFound("TRIGGER_NOT_FOUND", "there is no such trigger: check the URL")


class TokenBook:
    """Finds triggers by token; many that ask at once share one query, and the calls of a token stay in their order."""

    def __init__(self, pool: asyncpg.Pool, key_ring: KeyRing) -> None:
        self._pool = pool
        self._key_ring = key_ring
        self._lookups = GroupCommit[bytes, Target | Unreadable | None]("token", self._find)
        self._remembered: OrderedDict[bytes, tuple[float, Target | Unreadable | None]] = OrderedDict()
        self._asking: Counter[bytes] = Counter()

    async def target(self, token: str) -> Target:
        """Where a token leads. NotFound when nowhere; Unavailable when the database does not say, or what it says is no use."""
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
        if isinstance(target, Unreadable):
            raise unreadable()
        return target

    def forget(self, token: str) -> None:
        """Has the token looked up anew: the database says that it counts no more."""
        hashed = token_hash(token)
        if hashed is not None:
            self._remembered.pop(hashed, None)

    async def _ask(self, hashed: bytes) -> Target | Unreadable | None:
        self._asking[hashed] += 1
        try:
            return await self._lookups.submit(hashed, size=len(hashed))
        finally:
            self._asking[hashed] -= 1
            if not self._asking[hashed]:
                del self._asking[hashed]

    async def _find(self, token_hashes: list[bytes]) -> list[Target | Unreadable | None]:
        found = {hashed: self._remembered[hashed][1] for hashed in token_hashes if self._is_remembered(hashed)}
        missing = set(token_hashes) - found.keys()
        if missing:
            found |= await self._look_up(missing)
        return [found.get(hashed) for hashed in token_hashes]

    async def _look_up(self, token_hashes: set[bytes]) -> dict[bytes, Target | Unreadable]:
        try:
            rows = await tokens.find_targets(self._pool, list(token_hashes))
        except AWAY_ERRORS as error:
            raise away(error) from error
        found = {hashed: self._target(hashed, row) for hashed, row in rows.items() if row.enabled}
        now = time.monotonic()
        for hashed in token_hashes:
            target = found.get(hashed)
            seconds = KNOWN_SECONDS if isinstance(target, Target) else UNKNOWN_SECONDS
            self._remembered[hashed] = (now + seconds, target)
            self._remembered.move_to_end(hashed)
        while len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return found

    def _target(self, hashed: bytes, row: TargetRow) -> "Target | Unreadable":
        _, before = self._remembered.get(hashed, (0.0, None))
        if isinstance(before, Target) and before.version == row.version:
            agreement = before.agreement
        else:
            try:
                agreement = self._agreement(row)
            except ValueError as error:
                log.error("trigger.unreadable", trigger_id=row.trigger_id, error=str(error))
                return Unreadable()
        return Target(
            trigger_id=row.trigger_id,
            generation=row.generation,
            version=row.version,
            max_bytes=row.max_bytes,
            data_mode=row.data_mode,
            rejects=row.rejects,
            agreement=agreement,
        )

    def _agreement(self, row: TargetRow) -> Agreement:
        secrets = [self._key_ring.open(sealed, f"verification:{row.trigger_id}") for sealed in row.sealed]
        return agreements.read(row.verification, row.call_rules, secrets)

    def _is_remembered(self, hashed: bytes) -> bool:
        known = self._remembered.get(hashed)
        return known is not None and known[0] > time.monotonic()
