"""Delivery settings over real gRPC and Postgres: replaced as a whole, told as stored, read anew by delivery_svc."""

from typing import TYPE_CHECKING, Any

import asyncpg
import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from chassis.status import Refusal, refusal_of
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_pb2 import DeliverySettings, RetrySchedule, Subscription
from tests.support.grpc_peer import bearer
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, TOKEN, SubscriptionService, add_account, add_token

if TYPE_CHECKING:
    from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceAsyncStub as Stub

MINE = bearer(TOKEN)
AS_DELIVERY_SVC_READS = (
    "select retry_delays, retry_jitter, concurrency, rate_per_second from subscription.delivery_setting"
)
ALL = DeliverySettings(
    retry_schedule=RetrySchedule(delays=[Duration(nanos=100_000_000), Duration(seconds=86_400)], jitter=0.25),
    concurrency=1_000,
    rate_per_second=0.5,
)


async def create(stub: "Stub") -> str:
    wish = Subscription(
        account_id=ACCOUNT, name="n", event_types=["job.run.started"], client_url="https://x.io", active=True
    )
    answer = await stub.CreateSubscription(pb.CreateSubscriptionRequest(subscription=wish), metadata=MINE)
    return answer.subscription.subscription_id


async def put(
    stub: "Stub", subscription_id: str, settings: DeliverySettings | None, metadata: Any = MINE
) -> DeliverySettings:
    request = pb.SetDeliverySettingsRequest(
        account_id=ACCOUNT, subscription_id=subscription_id, delivery_settings=settings
    )
    return (await stub.SetDeliverySettings(request, metadata=metadata)).delivery_settings


async def read(stub: "Stub", subscription_id: str, metadata: Any = MINE, account_id: int = ACCOUNT) -> DeliverySettings:
    request = pb.GetDeliverySettingsRequest(account_id=account_id, subscription_id=subscription_id)
    return (await stub.GetDeliverySettings(request, metadata=metadata)).delivery_settings


async def refused(call: Any) -> Refusal:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return refusal_of(caught.value)


async def stored(database: Database) -> list[tuple[Any, ...]]:
    """What delivery_svc reads, with its own login role."""
    connection = await asyncpg.connect(database.delivery_url)
    try:
        return [tuple(row) for row in await connection.fetch(AS_DELIVERY_SVC_READS)]
    finally:
        await connection.close()


async def version_and_change(service: SubscriptionService) -> tuple[int, bool]:
    """The version, and whether updated_at is still the time of its making."""
    row = await service.pool.fetchrow("select version, updated_at = created_at from subscription.subscription")
    assert row is not None
    return tuple(row)


async def test_settings_are_replaced_as_a_whole_and_each_change_raises_the_version(
    stub: "Stub", service: SubscriptionService, database: Database
) -> None:
    subscription_id = await create(stub)
    assert await read(stub, subscription_id) == DeliverySettings()
    assert await put(stub, subscription_id, ALL) == ALL
    assert await read(stub, subscription_id) == ALL
    assert await stored(database) == [([0.1, 86_400.0], 0.25, 1_000, 0.5)]
    assert await version_and_change(service) == (2, True)
    never_again = DeliverySettings(retry_schedule=RetrySchedule())
    assert await put(stub, subscription_id, never_again) == never_again
    assert await read(stub, subscription_id) == never_again
    assert await stored(database) == [([], None, None, None)]
    assert await version_and_change(service) == (3, True)


@pytest.mark.parametrize("nothing", [None, DeliverySettings(), DeliverySettings(concurrency=0, rate_per_second=0.0)])
async def test_without_a_wish_everything_is_the_platforms_again(
    stub: "Stub", service: SubscriptionService, database: Database, nothing: DeliverySettings | None
) -> None:
    subscription_id = await create(stub)
    await put(stub, subscription_id, ALL)
    assert await put(stub, subscription_id, nothing) == DeliverySettings()
    assert await read(stub, subscription_id) == DeliverySettings()
    assert await stored(database) == []
    assert await version_and_change(service) == (3, True)


async def test_every_bad_field_is_named_at_once_and_the_old_settings_stay(
    stub: "Stub", service: SubscriptionService
) -> None:
    subscription_id = await create(stub)
    await put(stub, subscription_id, ALL)
    delays = [Duration(seconds=1), Duration(nanos=99_999_999), Duration(seconds=86_400, nanos=1)]
    wrong = DeliverySettings(
        retry_schedule=RetrySchedule(delays=delays, jitter=1.5), concurrency=1_001, rate_per_second=-1
    )
    refusal = await refused(put(stub, subscription_id, wrong))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [bad.field for bad in refusal.fields] == [
        "delivery_settings.retry_schedule.delays[1]",
        "delivery_settings.retry_schedule.delays[2]",
        "delivery_settings.retry_schedule.jitter",
        "delivery_settings.concurrency",
        "delivery_settings.rate_per_second",
    ]
    many = DeliverySettings(retry_schedule=RetrySchedule(delays=[Duration(seconds=1)] * 21))
    [bad] = (await refused(put(stub, subscription_id, many))).fields
    assert bad.field == "delivery_settings.retry_schedule.delays"
    assert await read(stub, subscription_id) == ALL
    assert await version_and_change(service) == (2, True)


async def test_a_deleted_subscription_is_gone_with_its_settings(stub: "Stub", database: Database) -> None:
    subscription_id = await create(stub)
    await put(stub, subscription_id, ALL)
    request = pb.DeleteSubscriptionRequest(account_id=ACCOUNT, subscription_id=subscription_id)
    await stub.DeleteSubscription(request, metadata=MINE)
    assert await stored(database) == []
    assert (await refused(put(stub, subscription_id, ALL))).reason == "SUBSCRIPTION_NOT_FOUND"
    assert (await refused(read(stub, subscription_id))).reason == "SUBSCRIPTION_NOT_FOUND"
    assert await stored(database) == []


async def test_what_is_not_the_accounts_own_is_not_found(stub: "Stub", database: Database) -> None:
    await add_account(database, 8)
    theirs = bearer(await add_token(database, 8, "account_admin"))
    mine = await create(stub)
    for odd in ("", "wsu_", "wsu_" + "0" * 27, "wsu_\x00" + "0" * 26, "x" * 5000):
        assert (await refused(put(stub, odd, ALL))).reason == "SUBSCRIPTION_NOT_FOUND"
        assert (await refused(read(stub, odd))).reason == "SUBSCRIPTION_NOT_FOUND"
    assert (await refused(put(stub, mine, ALL, theirs))).reason == "WRONG_ACCOUNT"
    assert (await refused(read(stub, mine, theirs))).reason == "WRONG_ACCOUNT"
    assert (await refused(read(stub, mine, theirs, account_id=8))).reason == "SUBSCRIPTION_NOT_FOUND"
    assert await stored(database) == []
