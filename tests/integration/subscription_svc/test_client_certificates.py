"""Client certificates over real gRPC and Postgres: sealed at rest with their key, told of and never shown."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import grpc
import pytest

from chassis.keyring import KeyRing
from chassis.status import Refusal, refusal_of
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_pb2 import CustomHeader, Subscription
from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from tests.support.certificates import Pair, pair
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
FIRST, SECOND = pair("first"), pair("second")
AS_DELIVERY_SVC_READS = "select subscription_id, kind, sealed from subscription.secret_setting order by kind"


async def create(stub: "Stub") -> str:
    wish = Subscription(
        account_id=ACCOUNT, name="n", event_types=["job.run.started"], client_url="https://x.io", active=True
    )
    answer = await stub.CreateSubscription(pb.CreateSubscriptionRequest(subscription=wish), metadata=MINE)
    return answer.subscription.subscription_id


async def put(
    stub: "Stub", subscription_id: str, chain: str, key: str, metadata: Any = MINE
) -> pb.SetClientCertificateResponse:
    request = pb.SetClientCertificateRequest(
        account_id=ACCOUNT, subscription_id=subscription_id, certificate_chain=chain, private_key=key
    )
    return await stub.SetClientCertificate(request, metadata=metadata)


async def read(
    stub: "Stub", subscription_id: str, metadata: Any = MINE, account_id: int = ACCOUNT
) -> pb.GetClientCertificateResponse:
    request = pb.GetClientCertificateRequest(account_id=account_id, subscription_id=subscription_id)
    return await stub.GetClientCertificate(request, metadata=metadata)


async def refused(call: Any) -> Refusal:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return refusal_of(caught.value)


async def stored(service: SubscriptionService, database: Database) -> list[Any]:
    """What delivery_svc opens, with its own login role."""
    connection = await asyncpg.connect(database.delivery_url)
    try:
        rows = await connection.fetch(AS_DELIVERY_SVC_READS)
    finally:
        await connection.close()
    opened = [service.key_ring.open(row["sealed"], f"{row['kind']}:{row['subscription_id']}") for row in rows]
    return [json.loads(text) for text in opened]


async def version_and_change(service: SubscriptionService) -> tuple[int, bool]:
    """The version, and whether updated_at is still the time of its making."""
    row = await service.pool.fetchrow("select version, updated_at = created_at from subscription.subscription")
    assert row is not None
    return tuple(row)


def check_told(told: pb.ClientCertificate, made: Pair, name: str) -> None:
    assert told.subject == f"CN={name}"
    assert len(told.fingerprint) == 64
    assert told.expire_time.ToDatetime(UTC) == made.certificate.not_valid_after_utc


async def test_a_certificate_is_sealed_told_of_replaced_and_taken_away(
    stub: "Stub", service: SubscriptionService, database: Database
) -> None:
    subscription_id = await create(stub)
    assert not (await read(stub, subscription_id)).HasField("client_certificate")
    answer = await put(stub, subscription_id, FIRST.chain, FIRST.key)
    check_told(answer.client_certificate, FIRST, "first")
    assert (await read(stub, subscription_id)).client_certificate == answer.client_certificate
    assert await stored(service, database) == [FIRST.body]
    row = await service.pool.fetchrow("select sealed, told from subscription.secret_setting")
    assert row is not None
    for line in (FIRST.key.splitlines()[1], FIRST.chain.splitlines()[1]):
        assert line.encode() not in row["sealed"]
        assert line not in row["told"]
    check_told((await put(stub, subscription_id, SECOND.chain, SECOND.key)).client_certificate, SECOND, "second")
    assert await stored(service, database) == [SECOND.body]
    assert await version_and_change(service) == (3, True)
    assert not (await put(stub, subscription_id, "", "")).HasField("client_certificate")
    assert not (await read(stub, subscription_id)).HasField("client_certificate")
    assert await stored(service, database) == []
    assert await version_and_change(service) == (4, True)


async def test_a_certificate_and_custom_headers_stand_beside_each_other(
    stub: "Stub", service: SubscriptionService, database: Database
) -> None:
    subscription_id = await create(stub)
    headers = pb.SetCustomHeadersRequest(
        account_id=ACCOUNT, subscription_id=subscription_id, custom_headers=[CustomHeader(name="X-A", value="v")]
    )
    await put(stub, subscription_id, FIRST.chain, FIRST.key)
    await stub.SetCustomHeaders(headers, metadata=MINE)
    assert await stored(service, database) == [FIRST.body, [["X-A", "v"]]]
    await put(stub, subscription_id, "", "")
    assert await stored(service, database) == [[["X-A", "v"]]]


async def test_what_does_not_belong_together_or_has_ended_is_refused_and_the_old_one_stays(
    stub: "Stub", service: SubscriptionService, database: Database
) -> None:
    subscription_id = await create(stub)
    await put(stub, subscription_id, FIRST.chain, FIRST.key)
    now = datetime.now(UTC).replace(microsecond=0)
    ended, living = pair(ends=now - timedelta(minutes=1)), pair(ends=now + timedelta(minutes=5))
    for chain, key, fields in (
        (SECOND.chain, FIRST.key, ["private_key"]),
        (ended.chain, ended.key, ["certificate_chain"]),
        (ended.chain, FIRST.key, ["certificate_chain", "private_key"]),
        ("", FIRST.key, ["certificate_chain"]),
        (FIRST.chain, "", ["private_key"]),
        ("x" * 65_537, "x" * 65_537, ["certificate_chain", "private_key"]),
    ):
        refusal = await refused(put(stub, subscription_id, chain, key))
        assert (refusal.code, [bad.field for bad in refusal.fields]) == (grpc.StatusCode.INVALID_ARGUMENT, fields)
        assert FIRST.key.splitlines()[1] not in str(refusal)
    assert await stored(service, database) == [FIRST.body]
    assert await version_and_change(service) == (2, True)
    await put(stub, subscription_id, living.chain, living.key)


async def test_a_deleted_subscription_is_gone_with_its_certificate(
    stub: "Stub", service: SubscriptionService, database: Database
) -> None:
    subscription_id = await create(stub)
    await put(stub, subscription_id, FIRST.chain, FIRST.key)
    request = pb.DeleteSubscriptionRequest(account_id=ACCOUNT, subscription_id=subscription_id)
    await stub.DeleteSubscription(request, metadata=MINE)
    assert await stored(service, database) == []
    assert (await refused(put(stub, subscription_id, FIRST.chain, FIRST.key))).reason == "SUBSCRIPTION_NOT_FOUND"
    assert (await refused(read(stub, subscription_id))).reason == "SUBSCRIPTION_NOT_FOUND"


async def test_what_is_not_the_accounts_own_is_not_found(stub: "Stub", database: Database) -> None:
    await add_account(database, 8)
    theirs = bearer(await add_token(database, 8, "account_admin"))
    mine = await create(stub)
    await put(stub, mine, FIRST.chain, FIRST.key)
    for odd in ("", "wsu_", "wsu_" + "0" * 27, "wsu_\x00" + "0" * 26, "x" * 5000):
        assert (await refused(put(stub, odd, "", ""))).reason == "SUBSCRIPTION_NOT_FOUND"
        assert (await refused(put(stub, odd, FIRST.chain, FIRST.key))).reason == "SUBSCRIPTION_NOT_FOUND"
        assert (await refused(read(stub, odd))).reason == "SUBSCRIPTION_NOT_FOUND"
    assert (await refused(put(stub, mine, "", "", theirs))).reason == "WRONG_ACCOUNT"
    assert (await refused(read(stub, mine, theirs))).reason == "WRONG_ACCOUNT"
    assert (await refused(read(stub, mine, theirs, account_id=8))).reason == "SUBSCRIPTION_NOT_FOUND"
    check_told((await read(stub, mine)).client_certificate, FIRST, "first")


async def test_what_may_be_told_is_told_though_the_key_ring_lost_its_key(stub: "Stub", database: Database) -> None:
    subscription_id = await create(stub)
    await put(stub, subscription_id, FIRST.chain, FIRST.key)
    async with (
        subscription_service(database, key_ring=KeyRing({"k2": b"2" * 32})) as service,
        grpc.aio.insecure_channel(service.target) as channel,
    ):
        later: Stub = SubscriptionServiceStub(channel)
        check_told((await read(later, subscription_id)).client_certificate, FIRST, "first")
        await put(later, subscription_id, SECOND.chain, SECOND.key)
        assert await stored(service, database) == [SECOND.body]
