"""Custom headers over real gRPC and Postgres: replaced as a whole, sealed at rest, named and never shown."""

from typing import TYPE_CHECKING, Any

import asyncpg
import grpc
import pytest

from chassis.keyring import KeyRing
from chassis.status import Refusal, refusal_of
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_pb2 import CustomHeader, Subscription
from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from tests.support.grpc_peer import bearer
from tests.support.postgres import Database
from tests.support.subscription import (
    ACCOUNT,
    TOKEN,
    SubscriptionService,
    add_account,
    add_token,
    subscription_service,
)

if TYPE_CHECKING:
    from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceAsyncStub as Stub

MINE = bearer(TOKEN)
# As delivery_svc reads it, with its own login role.
AS_DELIVERY_SVC_READS = "select subscription_id, kind, sealed from subscription.secret_setting"


async def create(stub: "Stub") -> str:
    wish = Subscription(
        account_id=ACCOUNT, name="n", event_types=["job.run.started"], client_url="https://x.io", active=True
    )
    answer = await stub.CreateSubscription(pb.CreateSubscriptionRequest(subscription=wish), metadata=MINE)
    return answer.subscription.subscription_id


async def put(stub: "Stub", subscription_id: str, headers: dict[str, str], metadata: Any = MINE) -> list[str]:
    request = pb.SetCustomHeadersRequest(
        account_id=ACCOUNT,
        subscription_id=subscription_id,
        custom_headers=[CustomHeader(name=name, value=value) for name, value in headers.items()],
    )
    return list((await stub.SetCustomHeaders(request, metadata=metadata)).names)


async def listed(stub: "Stub", subscription_id: str, metadata: Any = MINE, account_id: int = ACCOUNT) -> list[str]:
    request = pb.ListCustomHeadersRequest(account_id=account_id, subscription_id=subscription_id)
    return list((await stub.ListCustomHeaders(request, metadata=metadata)).names)


async def refused(call: Any) -> Refusal:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return refusal_of(caught.value)


async def stored(service: SubscriptionService, database: Database) -> list[bytes]:
    """What delivery_svc opens."""
    connection = await asyncpg.connect(database.delivery_url)
    try:
        rows = await connection.fetch(AS_DELIVERY_SVC_READS)
    finally:
        await connection.close()
    return [service.key_ring.open(row["sealed"], f"{row['kind']}:{row['subscription_id']}") for row in rows]


async def version_and_change(service: SubscriptionService) -> tuple[int, bool]:
    """The version, and whether updated_at is still the time of its making."""
    row = await service.pool.fetchrow("select version, updated_at = created_at from subscription.subscription")
    assert row is not None
    return tuple(row)


async def test_headers_are_replaced_as_a_whole_sealed_and_named_in_order(
    stub: "Stub", service: SubscriptionService, database: Database
) -> None:
    subscription_id = await create(stub)
    assert await listed(stub, subscription_id) == []
    assert await put(stub, subscription_id, {"X-B": "s3cret", "x-a": ""}) == ["X-B", "x-a"]
    assert await listed(stub, subscription_id) == ["X-B", "x-a"]
    assert await stored(service, database) == [b'[["X-B","s3cret"],["x-a",""]]']
    sealed: bytes = await service.pool.fetchval("select sealed from subscription.secret_setting")
    assert b"s3cret" not in sealed
    assert await put(stub, subscription_id, {"X-C": "v"}) == ["X-C"]
    assert await listed(stub, subscription_id) == ["X-C"]
    assert await version_and_change(service) == (3, True)
    assert await put(stub, subscription_id, {}) == []
    assert await listed(stub, subscription_id) == []
    assert await stored(service, database) == []
    assert await version_and_change(service) == (4, True)


async def test_every_bad_field_is_named_at_once_no_value_is_repeated_and_the_old_ones_stay(
    stub: "Stub", service: SubscriptionService
) -> None:
    subscription_id = await create(stub)
    await put(stub, subscription_id, {"X-A": "v"})
    refusal = await refused(put(stub, subscription_id, {"X-A": "s3cret\r\n", "Host": "s3cret", "x-a": "fine"}))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [bad.field for bad in refusal.fields] == [
        "custom_headers[0].value",
        "custom_headers[1].name",
        "custom_headers[2].name",
    ]
    assert "s3cret" not in str(refusal)
    assert await listed(stub, subscription_id) == ["X-A"]
    assert await version_and_change(service) == (2, True)


async def test_a_deleted_subscription_is_gone_with_its_headers(
    stub: "Stub", service: SubscriptionService, database: Database
) -> None:
    subscription_id = await create(stub)
    await put(stub, subscription_id, {"X-A": "v"})
    request = pb.DeleteSubscriptionRequest(account_id=ACCOUNT, subscription_id=subscription_id)
    await stub.DeleteSubscription(request, metadata=MINE)
    assert await stored(service, database) == []
    assert (await refused(put(stub, subscription_id, {"X-A": "v"}))).reason == "SUBSCRIPTION_NOT_FOUND"
    assert (await refused(listed(stub, subscription_id))).reason == "SUBSCRIPTION_NOT_FOUND"
    assert await stored(service, database) == []


async def test_what_is_not_the_accounts_own_is_not_found(stub: "Stub", database: Database) -> None:
    await add_account(database, 8)
    theirs = bearer(await add_token(database, 8, "account_admin"))
    mine = await create(stub)
    await put(stub, mine, {"X-A": "v"})
    for odd in ("", "wsu_", "wsu_" + "0" * 27, "wsu_\x00" + "0" * 26, "x" * 5000):
        assert (await refused(put(stub, odd, {}))).reason == "SUBSCRIPTION_NOT_FOUND"
        assert (await refused(listed(stub, odd))).reason == "SUBSCRIPTION_NOT_FOUND"
    assert (await refused(put(stub, mine, {}, theirs))).reason == "WRONG_ACCOUNT"
    assert (await refused(listed(stub, mine, theirs))).reason == "WRONG_ACCOUNT"
    assert (await refused(listed(stub, mine, theirs, account_id=8))).reason == "SUBSCRIPTION_NOT_FOUND"


async def test_headers_whose_key_is_gone_say_so_and_can_be_set_again(stub: "Stub", database: Database) -> None:
    subscription_id = await create(stub)
    await put(stub, subscription_id, {"X-A": "v"})
    async with (
        subscription_service(database, key_ring=KeyRing({"k2": b"2" * 32})) as service,
        grpc.aio.insecure_channel(service.target) as channel,
    ):
        later: Stub = SubscriptionServiceStub(channel)
        refusal = await refused(listed(later, subscription_id))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "HEADERS_UNREADABLE")
        await put(later, subscription_id, {"X-B": "v"})
        assert await listed(later, subscription_id) == ["X-B"]
