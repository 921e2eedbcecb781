"""The deactivator: sets subscriptions inactive whose endpoints have failed for too long, and tells the operator.

A delivery that waits behind an open breaker for longer than its retries take counts as failed here: without the breaker it
would be (docs/adr/0017).

Every step can be repeated, by any pod: subscription_svc answers a second request as the first, the operational event has
a request id of its own, and the lane is forgiven last. A pod that dies in between leaves it to the next tick.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import asyncpg
import grpc

from chassis.channel import service_metadata
from chassis.errors import Unavailable
from chassis.logs import get_logger
from delivery_svc import metrics
from delivery_svc.breaker import BreakerPolicy, openings_in, shut_for
from delivery_svc.deactivation import DeactivationPolicy, deactivate_reason
from delivery_svc.event import EventType, NewEvent
from delivery_svc.operational import OperationalFact, operational_event
from delivery_svc.publish import Publisher
from delivery_svc.retry import RetryPolicy, longest_life
from delivery_svc.store import failing, lane
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
        breaker: BreakerPolicy,
        retry: RetryPolicy,
        timeout: float,
    ) -> None:
        self._pool = pool
        self._policy = policy
        self._breaker = breaker
        self._retry = retry
        self._timeout = timeout
        self._subscriptions = subscriptions
        self._metadata = service_metadata(credential)
        self._publisher = publisher
        self._operator = operator_account_id

    async def tick(self) -> bool:
        """Looks once; whether there may be more. Unavailable when subscription_svc is away."""
        await lane.forgive_paused(self._pool)
        failures = NEVER_FAILURES if self._policy.failures is None else self._policy.failures
        period = NEVER_PERIOD if self._policy.period is None else self._policy.period
        rows = await failing.failing(self._pool, failures, period, MOST_AT_ONCE)
        stalled = await failing.stalled(self._pool, self._stall(period), MOST_AT_ONCE)
        for row in {row["subscription_id"]: row for row in (*rows, *stalled)}.values():
            await self._judge(row)
        return len(rows) == MOST_AT_ONCE or len(stalled) == MOST_AT_ONCE

    def _stall(self, period: timedelta) -> failing.Stall:
        """The opening under way has lasted for nothing yet, so one more than the time takes."""
        life = longest_life(self._retry, self._timeout)
        return failing.Stall(
            failures=self._policy.failures,
            openings=openings_in(life, self._breaker),
            most_openings=openings_in(period.total_seconds(), self._breaker),
            delays=sum(self._retry.delays),
            jitter=self._retry.jitter,
            retries=len(self._retry.delays),
            timeout=self._timeout,
        )

    def _failing_since(self, row: asyncpg.Record) -> datetime:
        now: datetime = row["now"]
        shut = timedelta(seconds=shut_for(max(0, row["openings"] - 1), self._breaker))
        return min(row["failing_since"] or now, now - shut)

    async def _judge(self, row: asyncpg.Record) -> None:
        reason = deactivate_reason(row["consecutive_failures"], self._failing_since(row), row["now"], self._policy)
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
