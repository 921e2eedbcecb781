"""The deactivator: sets subscriptions inactive whose endpoints have failed for too long, and tells the operator.

Every step can be repeated, by any pod: subscription_svc answers a second request as the first, the operational event has
a request id of its own, and the lane is forgiven last. A pod that dies in between leaves it to the next tick.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg
import grpc

from chassis.channel import service_metadata
from chassis.errors import Unavailable
from chassis.logs import get_logger
from delivery_svc import metrics
from delivery_svc.deactivation import DeactivationPolicy, deactivate_reason
from delivery_svc.event import EventType, NewEvent
from delivery_svc.operational import OperationalFact, operational_event
from delivery_svc.publish import Publisher
from delivery_svc.store import lane
from runhook.subscription.v1 import subscription_service_pb2 as pb

if TYPE_CHECKING:
    from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceAsyncStub

log = get_logger()
MOST_AT_ONCE = 100
ANSWER_SECONDS = 5.0
NEVER_FAILURES = 2**31 - 1
NEVER_PERIOD = timedelta(days=36_500)


class Deactivator:
    """Its tick is a loop's. Without an operator's account nobody is told."""

    def __init__(
        self,
        *,
        pool: asyncpg.Pool,
        policy: DeactivationPolicy,
        subscriptions: "SubscriptionServiceAsyncStub",
        credential: str | None,
        publisher: Publisher,
        operator_account_id: int | None,
    ) -> None:
        self._pool = pool
        self._policy = policy
        self._subscriptions = subscriptions
        self._metadata = service_metadata(credential)
        self._publisher = publisher
        self._operator = operator_account_id

    async def tick(self) -> bool:
        """Looks once; whether there may be more. Unavailable when subscription_svc is away."""
        await lane.forgive_paused(self._pool)
        failures = NEVER_FAILURES if self._policy.failures is None else self._policy.failures
        period = NEVER_PERIOD if self._policy.period is None else self._policy.period
        rows = await lane.failing(self._pool, failures, period, MOST_AT_ONCE)
        for row in rows:
            await self._judge(row)
        return len(rows) == MOST_AT_ONCE

    async def _judge(self, row: asyncpg.Record) -> None:
        reason = deactivate_reason(row["consecutive_failures"], row["failing_since"], row["now"], self._policy)
        if reason is None:
            return
        if await self._deactivate(row, reason):
            await self._publish(self._news(row, reason))
            log.warning(
                "subscription.deactivated", account=row["account_id"], subscription=row["public_id"], reason=reason
            )
            metrics.DEACTIVATED.inc()
        await lane.forgive(self._pool, row["subscription_id"])

    async def _deactivate(self, row: asyncpg.Record, reason: str) -> bool:
        request = pb.DeactivateSubscriptionRequest(
            account_id=row["account_id"], subscription_id=row["public_id"], reason=reason, version=row["version"]
        )
        try:
            answer = await self._subscriptions.DeactivateSubscription(
                request, timeout=ANSWER_SECONDS, metadata=self._metadata
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return False
            raise Unavailable(
                "SUBSCRIPTION_UNAVAILABLE", f"subscription_svc does not deactivate: {error.code().name}"
            ) from None
        return answer.deactivated

    def _news(self, row: asyncpg.Record, reason: str) -> list[NewEvent]:
        if self._operator is None:
            return []
        fact = OperationalFact(
            account_id=row["account_id"], subject=row["public_id"], subject_name=row["name"], reason=reason
        )
        request_id = f"{EventType.DEACTIVATED}:{row['public_id']}:{row['version']}"
        return [operational_event(self._operator, EventType.DEACTIVATED, fact, request_id=request_id)]

    async def _publish(self, news: Sequence[NewEvent]) -> None:
        if news:
            await self._publisher.publish(news)
