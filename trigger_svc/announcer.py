"""Publishes what the outbox holds to delivery_svc: at least once, each under a request id of its own, in order per run.

A row is claimed for some seconds and marked when delivery_svc has committed its events, or nobody wants to hear of it; a pod
that dies in between leaves it to the next one, and the request id keeps it single. What delivery_svc will never take is set
aside.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import asyncpg
import grpc

from chassis import tracing
from chassis.channel import service_metadata
from chassis.errors import Unavailable
from chassis.logs import get_logger
from chassis.status import refusal_of
from runhook.delivery.v1 import delivery_service_pb2, event_pb2
from trigger_svc import metrics
from trigger_svc.event import Telling, Unpublished, events_of
from trigger_svc.journey import Journey
from trigger_svc.store import outbox

if TYPE_CHECKING:
    from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceAsyncStub

log = get_logger()
#: Rows; of each there are three events at most, and delivery_svc takes 1,000 at once.
MOST_AT_ONCE = 300
CLAIM_SECONDS = 20.0
PUBLISH_SECONDS = 10.0
MOST_COUNTED = 10_000
#: Refusals that repeating cannot mend.
FOR_GOOD = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.ALREADY_EXISTS)


class Announcer:
    """Its tick is a loop's."""

    def __init__(
        self, pool: asyncpg.Pool, delivery: "DeliveryServiceAsyncStub", credential: str | None, telling: Telling
    ) -> None:
        self._pool = pool
        self._telling = telling
        self._delivery = delivery
        self._metadata = service_metadata(credential)
        self._journey = Journey(pool)
        self._traces: dict[int, str] = {}  # of the runs that a tick tells of

    async def tick(self) -> bool:
        """Publishes what waits next; whether there may be more. Unavailable when delivery_svc is away."""
        rows = await outbox.claim(self._pool, most=MOST_AT_ONCE, seconds=CLAIM_SECONDS)
        try:
            if rows and tracing.on():
                self._traces = await self._journey.of_runs(row.run_id for row in rows)
            await self._publish(rows)
        finally:
            # What is published or refused is no longer claimed; only what is left goes back.
            await outbox.release(self._pool, [row.outbox_id for row in rows])
            metrics.OUTBOX_UNPUBLISHED.set(await outbox.count_waiting(self._pool, most=MOST_COUNTED))
        return bool(rows)

    async def _publish(self, rows: Sequence[Unpublished]) -> None:
        """Publishes a batch; one with a row that is refused for good is halved until that row stands alone."""
        if not rows:
            return
        events = [event for row in rows for event in self._events_of(row)]
        try:
            if events:
                request = delivery_service_pb2.PublishEventsRequest(events=events)
                await self._delivery.PublishEvents(request, timeout=PUBLISH_SECONDS, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            if error.code() not in FOR_GOOD:
                raise Unavailable(
                    "DELIVERY_UNAVAILABLE", f"delivery_svc takes no events: {error.code().name}"
                ) from None
            if len(rows) == 1:
                await self._set_aside(rows[0], error)
                return
            middle = len(rows) // 2
            await self._publish(rows[:middle])
            await self._publish(rows[middle:])
            return
        await outbox.mark_published(self._pool, [row.outbox_id for row in rows])
        for event in events:
            metrics.outbox_published(event.event_type).inc()
        rejected = sum(bool(row.execution_id) for row in rows)
        if rejected:
            metrics.executions_finished("REJECTED").inc(rejected)

    def _events_of(self, row: Unpublished) -> list[event_pb2.Event]:
        events = events_of(row, self._telling)
        if not row.execution_id and row.run_id in self._traces:
            for event in events:
                event.traceparent = self._traces[row.run_id]
        return events

    async def _set_aside(self, event: Unpublished, error: grpc.aio.AioRpcError) -> None:
        refusal = refusal_of(error)
        metrics.OUTBOX_REFUSED.inc()
        log.error("event.refused", run_id=event.run_id, event_type=event.event_type, refusal=refusal.message)
        await outbox.mark_refused(self._pool, event.outbox_id, refusal.message)
