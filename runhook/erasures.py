"""Erasures: the stored bodies of an event, or of an account's events, taken out of the platform for good.

Invariant: an account is never meant by leaving something out. Each of the two has a call of its own.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from runhook.connection import Connection
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import ERASURE_STATE_RUNNING, Erasure
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from runhook.timestamps import timestamp_of

if TYPE_CHECKING:
    from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceAsyncStub


class Erasures:
    """Payloads and what endpoints answered go; that events were delivered, when and how, stays in the log.

    Nothing is brought back, and no erasure is cancelled. What was not delivered yet is CANCELLED, reason "erased".
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> "DeliveryServiceAsyncStub":
        return DeliveryServiceStub(self._connection.channel)

    async def erase_event(self, account_id: int, event_id: str) -> Erasure:
        """Begins to erase the bodies of one event ("wev_..."). NotFound. ValueError for an empty id."""
        if not event_id:
            raise ValueError("an event id is wanted: erase_account is for all of an account's")
        return await self._start(Erasure(account_id=account_id, event_id=event_id))

    async def erase_account(self, account_id: int, *, published_before: datetime | None = None) -> Erasure:
        """Begins to erase the bodies of all of an account's events, those published before a time, or until now.

        FailedPrecondition, "ERASURE_UNDER_WAY", while another one of the whole account runs.
        """
        return await self._start(Erasure(account_id=account_id, published_before=timestamp_of(published_before)))

    async def _start(self, wanted: Erasure) -> Erasure:
        request = pb.StartErasureRequest(erasure=wanted)
        return (await self._connection.call(self._stub.StartErasure, request, repeatable=False)).erasure

    async def get(self, account_id: int, erasure_id: int) -> Erasure:
        """One as it is now: `erased` events are without bodies by it. NotFound."""
        request = pb.GetErasureRequest(account_id=account_id, erasure_id=erasure_id)
        return (await self._connection.call(self._stub.GetErasure, request, repeatable=True)).erasure

    async def list(self, account_id: int) -> Sequence[Erasure]:
        """An account's, newest first, at most 100."""
        request = pb.ListErasuresRequest(account_id=account_id)
        return (await self._connection.call(self._stub.ListErasures, request, repeatable=True)).erasures

    async def wait(self, account_id: int, erasure_id: int, *, interval: float = 1.0) -> Erasure:
        """One once it has ended, looked at every `interval` seconds. For an end of its own: `asyncio.timeout`. NotFound."""
        while (found := await self.get(account_id, erasure_id)).state == ERASURE_STATE_RUNNING:  # noqa: ASYNC110 - nobody tells when
            await asyncio.sleep(interval)
        return found
