"""Redeliver: a finished delivery is sent again under the same id, once per asking, on a schedule of its own."""

import asyncio

import asyncpg
import grpc
import pytest

from chassis.caller import CREDENTIAL_KEY
from chassis.status import refusal_of
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import DeliveryState
from tests.support.delivery import ACCOUNT, CREDENTIAL, DeliveryService, add_subscription, an_event, delivery_service
from tests.support.postgres import Database
from tests.support.receiver import Receiver

CALLER = ((CREDENTIAL_KEY, CREDENTIAL),)


async def _redeliver(service: DeliveryService, delivery_id: int, account_id: int = ACCOUNT) -> pb.RedeliverResponse:
    request = pb.RedeliverRequest(account_id=account_id, delivery_id=delivery_id)
    return await service.stub.Redeliver(request, timeout=20, metadata=CALLER)


async def _refused(service: DeliveryService, delivery_id: int, account_id: int = ACCOUNT) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _redeliver(service, delivery_id, account_id)
    return refusal_of(caught.value).reason


async def _get(service: DeliveryService, delivery_id: int) -> pb.GetDeliveryResponse:
    request = pb.GetDeliveryRequest(account_id=ACCOUNT, delivery_id=delivery_id)
    return await service.stub.GetDelivery(request, timeout=20, metadata=CALLER)


async def _finished(service: DeliveryService) -> int:
    """The id of the one finished delivery."""
    await service.drained()
    found: int = await service.pool.fetchval("select id from delivery.delivery")
    return found


async def _owner(database: Database, statement: str) -> None:
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_redelivery_has_the_same_event_id_and_the_same_bytes_after_a_rename(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        await add_subscription(database, receiver.url)
        await service.publish(an_event())
        delivery_id = await _finished(service)
        await _owner(database, "update subscription.subscription set name = 'renamed', version = version + 1")
        answer = await _redeliver(service, delivery_id)
        first, second = await receiver.request(1), await receiver.request(2)
        await service.drained()
        again = await _get(service, delivery_id)
    assert (answer.delivery.delivery_id, answer.delivery.attempt_count) == (delivery_id, 1)
    assert answer.delivery.state == DeliveryState.DELIVERY_STATE_PENDING
    assert not answer.delivery.HasField("finish_time")
    assert second.body == first.body
    assert second.headers["webhook-id"] == first.headers["webhook-id"]
    assert again.delivery.state == DeliveryState.DELIVERY_STATE_SUCCEEDED
    assert [(one.number, one.manual) for one in again.attempts] == [(1, False), (2, True)]


async def test_an_idle_pod_sends_a_redelivery_at_once(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database, delivery_claim_seconds=10.0) as service:
        await add_subscription(database, receiver.url)
        await service.publish(an_event())
        delivery_id = await _finished(service)
        async with asyncio.timeout(3):
            await _redeliver(service, delivery_id)
            await receiver.request(2)


async def test_of_many_that_ask_at_once_one_is_granted_and_one_post_is_made(database: Database) -> None:
    async with (
        Receiver(500, 500, 200) as receiver,
        delivery_service(database, delivery_retry_delays_seconds="0.01") as service,
    ):
        await add_subscription(database, receiver.url)
        await service.publish(an_event())
        delivery_id = await _finished(service)
        asked = [_redeliver(service, delivery_id) for _ in range(4)]
        async with service.pool.acquire() as holder, holder.transaction():
            await holder.execute("select from delivery.delivery where id = $1 for update", delivery_id)
            waiting = asyncio.gather(*asked, return_exceptions=True)
            await _until_waiting(service)
        answers = await waiting
        await receiver.request(3)
        await service.drained()
        attempts = len((await _get(service, delivery_id)).attempts)
    granted = [one for one in answers if isinstance(one, pb.RedeliverResponse)]
    refused = [refusal_of(one).reason for one in answers if isinstance(one, grpc.aio.AioRpcError)]
    assert (len(granted), refused) == (1, ["NOT_FINISHED"] * 3)
    assert (attempts, len(receiver.requests)) == (3, 3)


async def test_one_that_is_under_way_is_not_finished(database: Database) -> None:
    async with (
        Receiver(500) as receiver,
        delivery_service(database, delivery_retry_delays_seconds="3600") as service,
    ):
        await add_subscription(database, receiver.url)
        await service.publish(an_event())
        await receiver.request(1)
        delivery_id = await service.pool.fetchval("select id from delivery.queue")
        assert await _refused(service, delivery_id) == "NOT_FINISHED"
        assert len(receiver.requests) == 1


async def test_attempts_are_numbered_on_and_the_schedule_begins_afresh(database: Database) -> None:
    async with Receiver(500) as receiver, delivery_service(database) as service:
        await add_subscription(database, receiver.url)
        await service.publish(an_event())
        for asked in range(1, 3):
            delivery_id = await _finished(service)
            await _redeliver(service, delivery_id)
            await receiver.request(4 * (asked + 1))
        await service.drained()
        failed = await _get(service, delivery_id)
        failures = await service.pool.fetchval("select consecutive_failures from delivery.lane")
    assert [one.number for one in failed.attempts] == list(range(1, 13))
    assert [one.manual for one in failed.attempts] == [False] * 4 + [True] * 8
    assert (failed.delivery.attempt_count, failed.delivery.reason) == (12, "retries_exhausted")
    assert failures >= 2  # the third is told a moment after its commit


@pytest.mark.parametrize("change", ["active = false", "deleted_at = clock_timestamp()"])
async def test_nothing_goes_back_for_a_subscription_that_is_sent_nothing(database: Database, change: str) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        await add_subscription(database, receiver.url)
        await service.publish(an_event())
        delivery_id = await _finished(service)
        await _owner(database, f"update subscription.subscription set {change}, version = version + 1")
        assert await _refused(service, delivery_id) == "SUBSCRIPTION_INACTIVE"
        assert await service.pool.fetchval("select count(*) from delivery.delivery") == 1
        assert len(receiver.requests) == 1


async def test_a_cancelled_delivery_is_sent_once_its_subscription_is_active_again(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        await add_subscription(database, receiver.url)
        await service.publish(an_event())
        delivery_id = await _finished(service)
        await _owner(
            database, "update delivery.delivery set state = 'CANCELLED', reason = 'subscription_inactive', attempts = 0"
        )
        await _redeliver(service, delivery_id)
        await receiver.request(2)
        await service.drained()
        assert (await _get(service, delivery_id)).delivery.state == DeliveryState.DELIVERY_STATE_SUCCEEDED


async def test_a_foreign_unknown_or_test_delivery_is_not_sent_again(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        _, public_id = await add_subscription(database, receiver.url)
        asked = pb.SendTestRequest(account_id=ACCOUNT, subscription_id=public_id)
        await service.stub.SendTest(asked, timeout=20, metadata=CALLER)
        delivery_id = await _finished(service)
        assert await _refused(service, delivery_id) == "TEST_DELIVERY"
        assert await _refused(service, delivery_id, account_id=2) == "DELIVERY_NOT_FOUND"
        assert await _refused(service, 0) == "DELIVERY_NOT_FOUND"
        assert len(receiver.requests) == 1


async def test_one_whose_event_is_gone_is_not_found(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        await add_subscription(database, receiver.url)
        await service.publish(an_event())
        delivery_id = await _finished(service)
        await _owner(database, "delete from delivery.event")
        assert await _refused(service, delivery_id) == "DELIVERY_NOT_FOUND"
        assert not await service.pool.fetchval("select exists (select from delivery.queue)")


async def _until_waiting(service: DeliveryService) -> None:
    """Returns when somebody waits for a row that is locked."""
    waiting = "select exists (select from pg_locks where not granted)"
    async with asyncio.timeout(20):
        while not await service.pool.fetchval(waiting):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
