"""Publishes what the outbox holds to delivery_svc: at least once, each under a request id of its own, in order per run.

An event is claimed for some seconds and marked when delivery_svc has committed it; a pod that dies in between leaves it
to the next one, and the request id keeps it single. What delivery_svc will never take is set aside.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import asyncpg
import grpc

from chassis.channel import service_metadata
from chassis.errors import Unavailable
from chassis.logs import get_logger
from chassis.status import refusal_of
from runhook.delivery.v1 import delivery_service_pb2
from trigger_svc import metrics
from trigger_svc.event import Unpublished, event_of
from trigger_svc.store import outbox

if TYPE_CHECKING:
    from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceAsyncStub

log = get_logger()
MOST_AT_ONCE = 500
CLAIM_SECONDS = 20.0
PUBLISH_SECONDS = 10.0
MOST_COUNTED = 10_000
#: Refusals that repeating cannot mend.
FOR_GOOD = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.ALREADY_EXISTS)


class Announcer:
    """Its tick is a loop's."""

    def __init__(self, pool: asyncpg.Pool, delivery: "DeliveryServiceAsyncStub", credential: str | None) -> None:
        self._pool = pool
        self._delivery = delivery
        self._metadata = service_metadata(credential)

    async def tick(self) -> bool:
        """Publishes the next events; whether there may be more. Unavailable when delivery_svc is away."""
        events = await outbox.claim(self._pool, most=MOST_AT_ONCE, seconds=CLAIM_SECONDS)
        try:
            await self._publish(events)
        finally:
            # What is published or refused is no longer claimed; only what is left goes back.
            await outbox.release(self._pool, [event.outbox_id for event in events])
            metrics.OUTBOX_UNPUBLISHED.set(await outbox.count_waiting(self._pool, most=MOST_COUNTED))
        return bool(events)

    async def _publish(self, events: Sequence[Unpublished]) -> None:
        """Publishes a batch; one with an event that is refused for good is halved until that event stands alone."""
        if not events:
            return
        request = delivery_service_pb2.PublishEventsRequest(events=[event_of(event) for event in events])
        try:
            await self._delivery.PublishEvents(request, timeout=PUBLISH_SECONDS, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            if error.code() not in FOR_GOOD:
                raise Unavailable(
                    "DELIVERY_UNAVAILABLE", f"delivery_svc takes no events: {error.code().name}"
                ) from None
            if len(events) == 1:
                await self._set_aside(events[0], error)
                return
            middle = len(events) // 2
            await self._publish(events[:middle])
            await self._publish(events[middle:])
            return
        await outbox.mark_published(self._pool, [event.outbox_id for event in events])
        for event in events:
            metrics.OUTBOX_PUBLISHED.labels(event.event_type).inc()

    async def _set_aside(self, event: Unpublished, error: grpc.aio.AioRpcError) -> None:
        refusal = refusal_of(error)
        metrics.OUTBOX_REFUSED.inc()
        log.error("event.refused", run_id=event.run_id, event_type=event.event_type, refusal=refusal.message)
        await outbox.mark_refused(self._pool, event.outbox_id, refusal.message)
