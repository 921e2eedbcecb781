"""Recoveries: all that failed of a subscription since a time, delivered again in the background."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from runhook.connection import Connection
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import RECOVERY_STATE_RUNNING, Recovery
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from runhook.timestamps import timestamp_of

if TYPE_CHECKING:
    from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceAsyncStub


class Recoveries:
    """What is to follow an outage of an endpoint: the same event ids, the same bytes, oldest first."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> "DeliveryServiceAsyncStub":
        return DeliveryServiceStub(self._connection.channel)

    async def start(
        self,
        account_id: int,
        subscription_id: str,
        *,
        published_after: datetime,
        published_before: datetime | None = None,
        event_type: str = "",
        job_id: int = 0,
    ) -> Recovery:
        """Begins to redeliver what FAILED or was CANCELLED of the events published in a span; `found` says how many.

        Without `published_before` the span ends now; without `event_type` it is every type, without `job_id` every job. It goes
        on by itself, whatever becomes of this program. FailedPrecondition: "RECOVERY_UNDER_WAY", "SUBSCRIPTION_INACTIVE".
        NotFound.
        """
        wanted = Recovery(
            account_id=account_id,
            subscription_id=subscription_id,
            published_after=timestamp_of(published_after),
            published_before=timestamp_of(published_before),
            event_type=event_type,
            job_id=job_id,
        )
        request = pb.StartRecoveryRequest(recovery=wanted)
        return (await self._connection.call(self._stub.StartRecovery, request, repeatable=False)).recovery

    async def get(self, account_id: int, recovery_id: int) -> Recovery:
        """One as it is now: `requeued` of `found` are back in the queue. NotFound."""
        request = pb.GetRecoveryRequest(account_id=account_id, recovery_id=recovery_id)
        return (await self._connection.call(self._stub.GetRecovery, request, repeatable=True)).recovery

    async def list(self, account_id: int, subscription_id: str) -> Sequence[Recovery]:
        """A subscription's, newest first, at most 100. NotFound."""
        request = pb.ListRecoveriesRequest(account_id=account_id, subscription_id=subscription_id)
        return (await self._connection.call(self._stub.ListRecoveries, request, repeatable=True)).recoveries

    async def cancel(self, account_id: int, recovery_id: int) -> Recovery:
        """Ends one, or leaves it as it ended; what is back in the queue is delivered. NotFound."""
        request = pb.CancelRecoveryRequest(account_id=account_id, recovery_id=recovery_id)
        return (await self._connection.call(self._stub.CancelRecovery, request, repeatable=True)).recovery

    async def wait(self, account_id: int, recovery_id: int, *, interval: float = 1.0) -> Recovery:
        """One once it has ended, looked at every `interval` seconds. For an end of its own: `asyncio.timeout`. NotFound.

        Then all that was found is back in the queue, and its deliveries are under way.
        """
        while (found := await self.get(account_id, recovery_id)).state == RECOVERY_STATE_RUNNING:  # noqa: ASYNC110 - nobody tells when
            await asyncio.sleep(interval)
        return found
