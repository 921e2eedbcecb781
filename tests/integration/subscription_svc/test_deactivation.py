"""A subscription whose endpoint fails is set inactive by our own processes, unless its owner was there first."""

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
import grpc
import pytest

from chassis.caller import CREDENTIAL_KEY
from chassis.status import Refusal, refusal_of
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_pb2 import Subscription
from tests.support.grpc_peer import bearer
from tests.support.subscription import ACCOUNT, CREDENTIAL, TOKEN, SubscriptionService

if TYPE_CHECKING:
    from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceAsyncStub as Stub

MINE = bearer(TOKEN)
OUR_OWN = ((CREDENTIAL_KEY, CREDENTIAL),)
REASON = "1,000 deliveries failed"
INTERESTS = "select count(*) from subscription.interest"


def wish(**changes: Any) -> Subscription:
    values: dict[str, Any] = {
        "account_id": ACCOUNT,
        "name": "n",
        "event_types": ["job.run.started"],
        "client_url": "https://x.io",
        "active": True,
    }
    return Subscription(**(values | changes))


async def create(stub: "Stub") -> str:
    answer = await stub.CreateSubscription(pb.CreateSubscriptionRequest(subscription=wish()), metadata=MINE)
    return answer.subscription.subscription_id


async def update(stub: "Stub", subscription_id: str, **changes: Any) -> Subscription:
    wanted = wish(subscription_id=subscription_id, **changes)
    answer = await stub.UpdateSubscription(pb.UpdateSubscriptionRequest(subscription=wanted), metadata=MINE)
    return answer.subscription


async def get(stub: "Stub", subscription_id: str) -> Subscription:
    request = pb.GetSubscriptionRequest(account_id=ACCOUNT, subscription_id=subscription_id)
    return (await stub.GetSubscription(request, metadata=MINE)).subscription


async def deactivate(stub: "Stub", subscription_id: str, version: int = 1, reason: str = REASON) -> bool:
    request = pb.DeactivateSubscriptionRequest(
        account_id=ACCOUNT, subscription_id=subscription_id, reason=reason, version=version
    )
    return (await stub.DeactivateSubscription(request, metadata=OUR_OWN)).deactivated


async def refused(call: Any) -> Refusal:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return refusal_of(caught.value)


async def test_it_is_inactive_with_its_reason_out_of_the_fan_out_and_its_configuration_is_the_same(
    stub: "Stub", service: SubscriptionService
) -> None:
    subscription_id = await create(stub)
    before = await get(stub, subscription_id)
    assert await deactivate(stub, subscription_id) is True
    after = await get(stub, subscription_id)
    assert (after.active, after.deactivate_reason) == (False, REASON)
    assert after.update_time == before.update_time
    assert await service.pool.fetchval(INTERESTS) == 0
    assert await service.pool.fetchval("select version from subscription.subscription") == 2


async def test_it_is_repeatable_and_done_once(stub: "Stub", service: SubscriptionService) -> None:
    subscription_id = await create(stub)
    assert await asyncio.gather(*(deactivate(stub, subscription_id) for _ in range(5))) == [True] * 5
    assert await service.pool.fetchval("select version from subscription.subscription") == 2
    assert await deactivate(stub, subscription_id, version=2) is False  # nobody saw that version fail


@pytest.mark.parametrize("changes", [{"client_url": "https://y.io"}, {"active": False}, {"name": "renamed"}])
async def test_what_its_owner_changed_meanwhile_is_left_alone(stub: "Stub", changes: dict[str, Any]) -> None:
    subscription_id = await create(stub)
    changed = await update(stub, subscription_id, **changes)
    assert await deactivate(stub, subscription_id) is False
    assert await get(stub, subscription_id) == changed


async def test_one_that_is_deleted_or_unknown_was_not_deactivated(stub: "Stub") -> None:
    subscription_id = await create(stub)
    request = pb.DeleteSubscriptionRequest(account_id=ACCOUNT, subscription_id=subscription_id)
    await stub.DeleteSubscription(request, metadata=MINE)
    for version in (1, 2):
        assert await deactivate(stub, subscription_id, version=version) is False
    assert await deactivate(stub, "wsu_" + "0" * 27) is False
    assert (await refused(deactivate(stub, "wsu_\x00"))).reason == "SUBSCRIPTION_NOT_FOUND"


async def test_bad_fields_are_named_at_once(stub: "Stub") -> None:
    subscription_id = await create(stub)
    for reason in ("", "x" * 256, "a\x00b"):
        refusal = await refused(deactivate(stub, subscription_id, version=0, reason=reason))
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert [bad.field for bad in refusal.fields] == ["reason", "version"]
    assert await deactivate(stub, subscription_id, version=2**63 - 1) is False
    assert (await get(stub, subscription_id)).active


@pytest.mark.parametrize("changes", [{"active": True}, {"active": False, "client_url": "https://y.io"}])
async def test_active_or_another_url_revives_it_and_clears_the_reason(
    stub: "Stub", service: SubscriptionService, changes: dict[str, Any]
) -> None:
    subscription_id = await create(stub)
    await deactivate(stub, subscription_id)
    kept = await update(stub, subscription_id, active=False)
    assert (kept.active, kept.deactivate_reason) == (False, REASON)
    revived = await update(stub, subscription_id, **changes)
    assert (revived.active, revived.deactivate_reason) == (True, "")
    assert await get(stub, subscription_id) == revived
    assert await service.pool.fetchval(INTERESTS) == 1
    assert await deactivate(stub, subscription_id) is False  # a late repetition does not undo that


async def test_an_update_that_was_first_wins_over_a_deactivation_that_waited_for_it(
    stub: "Stub", service: SubscriptionService
) -> None:
    subscription_id = await create(stub)
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    async with service.pool.acquire() as owner:
        async with owner.transaction():
            await owner.execute("update subscription.subscription set version = version + 1")
            deactivating = asyncio.create_task(deactivate(stub, subscription_id))
            await becomes_true(service.pool, waiting)
        assert await deactivating is False
    assert (await get(stub, subscription_id)).active


async def becomes_true(pool: asyncpg.Pool, query: str) -> None:
    """Returns when the query does."""
    async with asyncio.timeout(10):
        while True:
            if await pool.fetchval(query):
                return
            await asyncio.sleep(0.01)
