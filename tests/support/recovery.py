"""Logs of deliveries that failed, and the calls that put them back."""

import asyncio
from typing import Any

import asyncpg
import grpc
import pytest

from chassis.caller import CREDENTIAL_KEY
from chassis.status import refusal_of
from runhook.delivery.v1 import delivery_pb2
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import RecoveryState
from tests.support.delivery import ACCOUNT, CREDENTIAL, DeliveryService
from tests.support.postgres import Database

CALLER = ((CREDENTIAL_KEY, CREDENTIAL),)
EVENTS = """
insert into delivery.event (published_at, event_id, account_id, event_type, job_id, event_time_ns, data)
select now() + n * interval '1 microsecond', 'wev_' || lpad(n::text, 27, '0'), $4, $2, $5, 0, convert_to('{}', 'UTF8')
  from generate_series($1::int, $1::int + $3::int - 1) n
"""
DELIVERIES = """
insert into delivery.delivery (finished_at, id, event_id, published_at, subscription_id, account_id, webhook_name, attempts,
                               state, reason, test)
select clock_timestamp(), n, 'wev_' || lpad(n::text, 27, '0'), now() + n * interval '1 microsecond', $3, $6, 'test', 1, $4,
       '', $5
  from generate_series($1::int, $1::int + $2::int - 1) n
"""


async def fill(
    database: Database,
    subscription_id: int,
    count: int,
    *,
    first: int = 1,
    state: str = "FAILED",
    event_type: str = "job.run.completed",
    job_id: int = 123,
    test: bool = False,
    account_id: int = ACCOUNT,
) -> None:
    """Finished deliveries with the ids from `first` on, all published at once, a microsecond apart."""
    connection = await asyncpg.connect(database.owner_url)
    try:
        async with connection.transaction():
            await connection.execute(EVENTS, first, event_type, count, account_id, job_id)
            await connection.execute(DELIVERIES, first, count, subscription_id, state, test, account_id)
    finally:
        await connection.close()


async def recover(
    service: DeliveryService, public_id: str, *, event_type: str = "", job_id: int = 0, **times: Any
) -> delivery_pb2.Recovery:
    """Begins a recovery of what was published since 1970, unless `published_after` says otherwise."""
    asked = delivery_pb2.Recovery(
        account_id=ACCOUNT, subscription_id=public_id, event_type=event_type, job_id=job_id, **times
    )
    if "published_after" not in times:
        asked.published_after.FromSeconds(1)
    answer = await service.stub.StartRecovery(pb.StartRecoveryRequest(recovery=asked), timeout=20, metadata=CALLER)
    return answer.recovery


async def refused(service: DeliveryService, public_id: str, **wish: Any) -> str:
    """The reason why a recovery is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await recover(service, public_id, **wish)
    return refusal_of(caught.value).reason


async def look(service: DeliveryService, recovery_id: int) -> delivery_pb2.Recovery:
    """The recovery as it is now."""
    request = pb.GetRecoveryRequest(account_id=ACCOUNT, recovery_id=recovery_id)
    return (await service.stub.GetRecovery(request, timeout=20, metadata=CALLER)).recovery


async def cancel(service: DeliveryService, recovery_id: int) -> delivery_pb2.Recovery:
    """The recovery after it was cancelled."""
    request = pb.CancelRecoveryRequest(account_id=ACCOUNT, recovery_id=recovery_id)
    return (await service.stub.CancelRecovery(request, timeout=20, metadata=CALLER)).recovery


async def ended(service: DeliveryService, recovery_id: int) -> delivery_pb2.Recovery:
    """The recovery once it runs no more."""
    async with asyncio.timeout(30):
        while (found := await look(service, recovery_id)).state == RecoveryState.RECOVERY_STATE_RUNNING:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found
