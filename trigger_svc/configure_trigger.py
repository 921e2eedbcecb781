"""Changes and deletes triggers, gives their tokens away and makes new ones.

Invariant: no accepted call is lost by it. A trigger that is disabled or deleted closes its open window, which is executed,
unless its owner says in so many words that it be discarded; that, who saw a token and who deleted what is noted in the same
transaction.
Locks are taken in the order head, trigger, plan or task.
"""

import dataclasses
import hashlib
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from chassis import paging
from chassis.clock import DatabaseClock
from chassis.errors import BadField, FailedPrecondition, InvalidInput, NotFound
from chassis.etag import check_etag
from chassis.ids import is_id, ksuid
from chassis.keyring import KeyRing
from trigger_svc.aftermath import Aftermath
from trigger_svc.store import audit, closing, secret, window_list
from trigger_svc.store import head as heads
from trigger_svc.store import plan_config as plans
from trigger_svc.store import target as targets
from trigger_svc.store import task as tasks
from trigger_svc.store import trigger as triggers
from trigger_svc.store.window import Closed
from trigger_svc.store.window_list import StoredWindow
from trigger_svc.trigger import LONGEST_GRACE_SECONDS, NewTrigger, Trigger, bad_fields, new_token, next_start
from trigger_svc.verification_rules import needs_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a webhook's URL ends with, and what it ended with before as long as that still answers."""

    token: str = field(repr=False)
    old_token: str = field(default="", repr=False)
    old_token_expires_at: datetime | None = None


class Configurer:
    """Changes triggers for their accounts."""

    def __init__(self, pool: asyncpg.Pool, key_ring: KeyRing, clock: DatabaseClock, aftermath: Aftermath) -> None:
        self._pool = pool
        self._key_ring = key_ring
        self._clock = clock
        self._aftermath = aftermath

    async def page(self, account_id: int, *, page_size: int, page_token: str) -> tuple[list[Trigger], str]:
        """A page of the account's triggers, oldest first, and the token of the next. InvalidInput."""
        asked = paging.asked("triggers", page_size=page_size, page_token=page_token)
        found = await triggers.list_oldest(self._pool, account_id, above=asked.after, most=asked.most)
        return asked.cut(found, lambda one: one.trigger_id)

    async def update(self, public_id: str, wanted: NewTrigger, *, enabled: bool, etag: str) -> Trigger:
        """Replaces a trigger; its open window keeps what it was opened with, or closes if the trigger is disabled.

        A kind that is empty and a target that is 0 stand for what there is. InvalidInput; NotFound; FailedPrecondition.
        """
        closed = None
        async with self._pool.acquire() as connection, connection.transaction():
            found = await self._lock(connection, wanted.account_id, public_id)
            wanted, given = _completed(wanted, found), wanted.verification_secrets
            if needs_secret(wanted.verification or {}) and not given:
                wanted = dataclasses.replace(wanted, verification_secrets=await self._secrets(connection, found))
            self._check(wanted, found)
            check_etag(etag, found.version, "trigger")
            if found.is_webhook and found.enabled and not enabled:
                closed = await closing.close(connection, found.trigger_id, "disabled", self._execution_id())
            next_start_at = self._next_start(wanted, found, enabled=enabled)
            await triggers.update(connection, found.trigger_id, wanted, enabled=enabled, next_start_at=next_start_at)
            if given or not wanted.verification_secrets:
                await self._keep_secrets(connection, found.trigger_id, given)
            changed = await self._find(connection, wanted.account_id, public_id)
        self._tell(closed)
        return changed

    async def delete(self, account_id: int, public_id: str, *, discard: bool, token_id: int | None) -> None:
        """Deletes a trigger; its open window is executed, or thrown away if `discard` says so. NotFound."""
        closed = None
        async with self._pool.acquire() as connection, connection.transaction():
            found = await self._lock(connection, account_id, public_id)
            if not discard:
                closed = await closing.close(connection, found.trigger_id, "disabled", self._execution_id())
            elif await closing.discard(connection, found.trigger_id):
                await audit.note(connection, found, "window_discarded", token_id)
            await lock_target(connection, found)
            await triggers.delete(connection, found.trigger_id)
            await audit.note(connection, found, "trigger_deleted", token_id)
            await targets.delete_if_free(connection, found.target)
        self._tell(closed)

    async def reveal(self, account_id: int, public_id: str, *, token_id: int | None) -> Tokens:
        """The tokens of a webhook; noted with who asked. NotFound; FailedPrecondition for another kind."""
        async with self._pool.acquire() as connection, connection.transaction():
            found = await self._lock_webhook(connection, account_id, public_id)
            stored = await secret.tokens(connection, found.trigger_id)
            await audit.note(connection, found, "token_revealed", token_id)
        texts = [self._key_ring.open(one.sealed, f"trigger_token:{found.trigger_id}").decode() for one in stored]
        old = stored[1:2]
        return Tokens(
            token=texts[0], old_token="".join(texts[1:2]), old_token_expires_at=old[0].expires_at if old else None
        )

    async def regenerate(self, account_id: int, public_id: str, *, grace_seconds: float, token_id: int | None) -> str:
        """A new token at once; the old one answers for so long and no longer. InvalidInput; NotFound; FailedPrecondition."""
        if not 0 <= grace_seconds <= LONGEST_GRACE_SECONDS:
            raise InvalidInput([BadField("grace", "must be 0 to 7 days")])
        token = new_token()
        async with self._pool.acquire() as connection, connection.transaction():
            found = await self._lock_webhook(connection, account_id, public_id)
            await secret.retire_tokens(connection, found.trigger_id, grace_seconds=grace_seconds)
            sealed = self._key_ring.seal(token.encode(), f"trigger_token:{found.trigger_id}")
            await secret.insert_token(connection, hashlib.sha256(token.encode()).digest(), found.trigger_id, sealed)
            await heads.note_oldest_token(connection, found.trigger_id)
            await audit.note(connection, found, "token_regenerated", token_id)
        return token

    async def flush(self, account_id: int, public_id: str) -> tuple[StoredWindow, str]:
        """Closes the open window now; it, and the id of its execution. NotFound; FailedPrecondition when none is open."""
        found = await self._find(self._pool, account_id, public_id)
        closed = await closing.close(self._pool, found.trigger_id, "flush", self._execution_id())
        window = None if closed is None else await window_list.find(self._pool, found.trigger_id, closed.window_id)
        if closed is None or window is None:
            raise FailedPrecondition("NO_OPEN_WINDOW", "the trigger has no open window: its next call opens one")
        self._tell(closed)
        return window, closed.execution_id

    def _check(self, wanted: NewTrigger, found: Trigger) -> None:
        now = self._clock.now()
        bad = [
            BadField(f"trigger.{name}", "cannot change: make another trigger")
            for name in ("kind", "task_id", "plan_id")
            if getattr(wanted, name) != getattr(found, name)
        ]
        if not bad:
            bad = list(bad_fields(wanted, now))
            if wanted.start_at != found.start_at and wanted.start_at is not None and wanted.start_at <= now:
                bad.append(past())
        if bad:
            raise InvalidInput(bad)

    def _next_start(self, wanted: NewTrigger, found: Trigger, *, enabled: bool) -> datetime | None:
        # A moment that is due and not yet started stays due when something else of the trigger changes.
        same = found.enabled and (wanted.cron, wanted.start_at) == (found.cron, found.start_at)
        if not enabled:
            return None
        return found.next_start_at if same else next_start(wanted, self._clock.now())

    async def _lock(self, connection: PoolConnectionProxy, account_id: int, public_id: str) -> Trigger:
        if is_id("trg_", public_id):
            await triggers.lock(connection, account_id, public_id)
        return await self._find(connection, account_id, public_id)

    async def _lock_webhook(self, connection: PoolConnectionProxy, account_id: int, public_id: str) -> Trigger:
        found = await self._lock(connection, account_id, public_id)
        if not found.is_webhook:
            raise FailedPrecondition("NOT_A_WEBHOOK", f"a trigger of kind {found.kind.upper()} has no URL")
        return found

    async def _find(self, connection: asyncpg.Pool | PoolConnectionProxy, account_id: int, public_id: str) -> Trigger:
        found = await triggers.find(connection, account_id, public_id) if is_id("trg_", public_id) else None
        if found is None:
            raise NotFound("TRIGGER_NOT_FOUND", "the account has no such trigger")
        return found

    async def _secrets(self, connection: PoolConnectionProxy, found: Trigger) -> tuple[str, ...]:
        sealed = await secret.verification_secrets(connection, found.trigger_id)
        return tuple(self._key_ring.open(one, f"verification:{found.trigger_id}").decode() for one in sealed)

    async def _keep_secrets(self, connection: PoolConnectionProxy, trigger_id: int, texts: tuple[str, ...]) -> None:
        sealed = [self._key_ring.seal(text.encode(), f"verification:{trigger_id}") for text in texts]
        await secret.replace_verification_secrets(connection, trigger_id, sealed)

    def _execution_id(self) -> str:
        return "exe_" + ksuid(int(self._clock.now().timestamp()))

    def _tell(self, closed: Closed | None) -> None:
        if closed is not None:
            self._aftermath.closed([closed])


def past() -> BadField:
    """A moment that would never come."""
    return BadField("trigger.start_time", "must be in the future")


async def lock_target(connection: PoolConnectionProxy, trigger: NewTrigger) -> None:
    """Makes this transaction the only one that changes which triggers the target has."""
    if trigger.plan_id:
        await plans.lock(connection, trigger.account_id, trigger.plan_id)
    else:
        await tasks.lock(connection, trigger.account_id, trigger.task_id)


def _completed(wanted: NewTrigger, found: Trigger) -> NewTrigger:
    if not wanted.task_id and not wanted.plan_id:
        wanted = dataclasses.replace(wanted, task_id=found.task_id, plan_id=found.plan_id)
    return dataclasses.replace(wanted, kind=wanted.kind or found.kind)
