"""Erasures over gRPC, and what is left of bodies in the tables."""

import asyncio
from typing import Any

import grpc
import pytest

from chassis.status import refusal_of
from runhook.delivery.v1 import delivery_pb2
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import ErasureState
from tests.support.delivery import ACCOUNT, DeliveryService
from tests.support.recovery import CALLER

BODIES = """
select (select count(*) from delivery.event where account_id = $1 and data <> '')
     + (select count(*) from delivery.attempt a join subscription.subscription s on s.id = a.subscription_id
         where s.account_id = $1 and (a.response_body <> '' or a.response_headers <> ''))
"""


async def erase(
    service: DeliveryService, event_id: str = "", *, account_id: int = ACCOUNT, **times: Any
) -> delivery_pb2.Erasure:
    """Begins to erase an event, or all of the account's."""
    asked = delivery_pb2.Erasure(account_id=account_id, event_id=event_id, **times)
    answer = await service.stub.StartErasure(pb.StartErasureRequest(erasure=asked), timeout=20, metadata=CALLER)
    return answer.erasure


async def refused(service: DeliveryService, event_id: str = "", **wish: Any) -> str:
    """The reason why an erasure is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await erase(service, event_id, **wish)
    return refusal_of(caught.value).reason


async def look(service: DeliveryService, erasure_id: int, *, account_id: int = ACCOUNT) -> delivery_pb2.Erasure:
    """The erasure as it is now."""
    request = pb.GetErasureRequest(account_id=account_id, erasure_id=erasure_id)
    return (await service.stub.GetErasure(request, timeout=20, metadata=CALLER)).erasure


async def erased(
    service: DeliveryService, begun: delivery_pb2.Erasure, *, account_id: int = ACCOUNT
) -> delivery_pb2.Erasure:
    """The erasure once it has finished."""
    found = begun
    async with asyncio.timeout(30):
        while found.state == ErasureState.ERASURE_STATE_RUNNING:
            found = await look(service, begun.erasure_id, account_id=account_id)
    return found


async def bodies(service: DeliveryService, account_id: int = ACCOUNT) -> int:
    """How many events and attempts of the account still have one."""
    count: int = await service.pool.fetchval(BODIES, account_id)
    return count
