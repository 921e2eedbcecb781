"""Redeliver: a finished delivery is sent again, with the same event id and the same bytes, on a schedule of its own.

Invariant: a delivery is either under way or finished, never both; of several that ask at once exactly one is granted.
"""

from collections.abc import Callable

import asyncpg

from chassis.errors import DomainError, FailedPrecondition, NotFound
from chassis.logs import get_logger
from delivery_svc import recent
from delivery_svc.recent import Shown
from delivery_svc.store import redelivery

log = get_logger()


class Redeliverer:
    """`wake_claimer` is called after the commit, so that an idle pod sends at once."""

    def __init__(self, pool: asyncpg.Pool, wake_claimer: Callable[[], None]) -> None:
        self._pool = pool
        self._wake_claimer = wake_claimer

    async def redeliver(self, account_id: int, delivery_id: int) -> Shown:
        """The delivery, PENDING again. NotFound; FailedPrecondition when it is under way or would not be sent."""
        row = await redelivery.redeliver(self._pool, account_id, delivery_id)
        if row is None:
            raise await self._refusal(account_id, delivery_id)
        self._wake_claimer()
        log.info("delivery.redelivered", account=account_id, delivery=delivery_id, attempts=row["attempts"])
        return await recent.shown(self._pool, row)

    async def _refusal(self, account_id: int, delivery_id: int) -> DomainError:
        found = await redelivery.where_it_is(self._pool, account_id, delivery_id)
        if found is None:
            return recent.no_delivery()
        if found["test"]:
            return FailedPrecondition("TEST_DELIVERY", "a test is not delivered again: send another one")
        if found["erased"]:
            return FailedPrecondition("BODY_ERASED", "the event's body was erased: there is nothing left to send")
        if not found["sendable"]:
            return inactive()
        # Also one that was finished between the two looks: whoever asks again is granted it.
        return FailedPrecondition("NOT_FINISHED", "the delivery is under way: ask again when it is finished")


def inactive() -> FailedPrecondition:
    """What nothing is sent to."""
    return FailedPrecondition(
        "SUBSCRIPTION_INACTIVE", "nothing is sent to a subscription that is inactive or deleted: activate it first"
    )


def no_subscription() -> NotFound:
    """Unknown, deleted or another account's."""
    return NotFound("SUBSCRIPTION_NOT_FOUND", "the account has no such subscription: list those it has")
