"""What became of events: deliveries, their attempts, one delivered again, and tests of an endpoint."""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from runhook.connection import Connection
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import DELIVERY_STATE_UNSPECIFIED, Delivery, DeliveryState
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from runhook.paging import pages
from runhook.timestamps import timestamp_of

if TYPE_CHECKING:
    from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceAsyncStub

#: The service waits up to 10 s for the endpoint; its answer needs a moment more.
TEST_SECONDS = 15.0


class Deliveries:
    """One event bound for one subscription each."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> "DeliveryServiceAsyncStub":
        return DeliveryServiceStub(self._connection.channel)

    async def send_test(self, account_id: int, subscription_id: str) -> pb.SendTestResponse:
        """Sends one made-up event to a subscription and tells what its endpoint did: a status code, or 0 and a sentence."""
        request = pb.SendTestRequest(account_id=account_id, subscription_id=subscription_id)
        return await self._connection.call(self._stub.SendTest, request, repeatable=False, least=TEST_SECONDS)

    async def list(
        self,
        account_id: int,
        subscription_id: str,
        *,
        state: DeliveryState.ValueType = DELIVERY_STATE_UNSPECIFIED,
        published_after: datetime | None = None,
        published_before: datetime | None = None,
        page_size: int = 0,
    ) -> AsyncIterator[Delivery]:
        """The deliveries of a subscription, newest first; pages are fetched as they are wanted."""

        async def fetch(page_token: str) -> pb.ListDeliveriesResponse:
            request = pb.ListDeliveriesRequest(
                account_id=account_id,
                subscription_id=subscription_id,
                state=state,
                published_after=timestamp_of(published_after),
                published_before=timestamp_of(published_before),
                page_size=page_size,
                page_token=page_token,
            )
            return await self._connection.call(self._stub.ListDeliveries, request, repeatable=True)

        async for page in pages(fetch):
            for delivery in page.deliveries:
                yield delivery

    async def get(
        self,
        account_id: int,
        delivery_id: int = 0,
        *,
        subscription_id: str = "",
        event_id: str = "",
    ) -> pb.GetDeliveryResponse:
        """One delivery and its attempts, by its id or by its subscription and event. NotFound."""
        request = pb.GetDeliveryRequest(
            account_id=account_id, delivery_id=delivery_id, subscription_id=subscription_id, event_id=event_id
        )
        return await self._connection.call(self._stub.GetDelivery, request, repeatable=True)

    async def redeliver(self, account_id: int, delivery_id: int) -> Delivery:
        """Puts a finished delivery back into the queue: the same event id and bytes, a schedule that begins afresh.

        FailedPrecondition: "NOT_FINISHED" while it is under way, "SUBSCRIPTION_INACTIVE" when nothing would be sent,
        "TEST_DELIVERY". NotFound. It is called once: after Unavailable get the delivery, its state says what became of it.
        """
        request = pb.RedeliverRequest(account_id=account_id, delivery_id=delivery_id)
        return (await self._connection.call(self._stub.Redeliver, request, repeatable=False)).delivery
