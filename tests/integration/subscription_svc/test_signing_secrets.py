"""A signing secret rotates: two live for a while, the old one first, and delivery_svc learns of it by the version."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from chassis.status import Refusal, refusal_of
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_pb2 import SigningSecret, Subscription
from subscription_svc.pruner import Pruner
from subscription_svc.secret import row_name
from tests.support.grpc_peer import bearer
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, TOKEN, SubscriptionService, add_account, add_token

if TYPE_CHECKING:
    from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceAsyncStub as Stub

MINE = bearer(TOKEN)
DAY = timedelta(days=1)
# What delivery_svc reads of a subscription that it signs for, as its own login role.
AS_DELIVERY_SVC_READS = """
select g.subscription_id, g.sealed
  from subscription.signing_secret g
 where g.expires_at is null or g.expires_at > clock_timestamp()
 order by g.id
"""
LET_THE_OVERLAP_PASS = (
    "update subscription.signing_secret set expires_at = clock_timestamp() where expires_at is not null"
)


async def create(stub: "Stub") -> tuple[str, str]:
    """The id and the secret of a new subscription."""
    wish = Subscription(
        account_id=ACCOUNT, name="n", event_types=["job.run.started"], client_url="https://x.io", active=True
    )
    answer = await stub.CreateSubscription(pb.CreateSubscriptionRequest(subscription=wish), metadata=MINE)
    return answer.subscription.subscription_id, answer.signing_secret


async def rotate(
    stub: "Stub", subscription_id: str, overlap: int | None = None, metadata: Any = MINE
) -> pb.RotateSigningSecretResponse:
    request = pb.RotateSigningSecretRequest(
        account_id=ACCOUNT,
        subscription_id=subscription_id,
        overlap_duration=None if overlap is None else Duration(seconds=overlap),
    )
    return await stub.RotateSigningSecret(request, metadata=metadata)


async def promote(stub: "Stub", subscription_id: str) -> None:
    request = pb.PromoteSigningSecretRequest(account_id=ACCOUNT, subscription_id=subscription_id)
    await stub.PromoteSigningSecret(request, metadata=MINE)


async def listed(stub: "Stub", subscription_id: str) -> list[SigningSecret]:
    request = pb.ListSigningSecretsRequest(account_id=ACCOUNT, subscription_id=subscription_id)
    return list((await stub.ListSigningSecrets(request, metadata=MINE)).signing_secrets)


async def refused(call: Any) -> Refusal:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return refusal_of(caught.value)


async def living(service: SubscriptionService, database: Database) -> list[str]:
    """The texts that delivery_svc would sign with, in its order."""
    connection = await asyncpg.connect(database.delivery_url)
    try:
        rows = await connection.fetch(AS_DELIVERY_SVC_READS)
    finally:
        await connection.close()
    return [service.key_ring.open(row["sealed"], row_name(row["subscription_id"])).decode() for row in rows]


async def version_and_change(service: SubscriptionService) -> tuple[int, bool]:
    """The version, and whether updated_at is still the time of its making."""
    row = await service.pool.fetchrow("select version, updated_at = created_at from subscription.subscription")
    assert row is not None
    return tuple(row)


async def test_two_secrets_live_while_one_rotates_and_the_old_one_signs(
    stub: "Stub", service: SubscriptionService, database: Database
) -> None:
    subscription_id, old = await create(stub)
    before = datetime.now(UTC)
    answer = await rotate(stub, subscription_id)
    assert re.fullmatch("[0-9a-f]{40}", answer.signing_secret)
    assert await living(service, database) == [old, answer.signing_secret]
    ends_at = answer.old_expire_time.ToDatetime(tzinfo=UTC)
    assert abs(ends_at - before - DAY) < timedelta(minutes=1)
    first, second = await listed(stub, subscription_id)
    assert (first.signs_authorization, second.signs_authorization) == (True, False)
    assert (first.expire_time, second.HasField("expire_time")) == (answer.old_expire_time, False)
    assert second.create_time.ToNanoseconds() > first.create_time.ToNanoseconds()
    assert await version_and_change(service) == (2, True)


async def test_while_two_live_there_is_no_third(stub: "Stub", service: SubscriptionService, database: Database) -> None:
    subscription_id, old = await create(stub)
    new = (await rotate(stub, subscription_id)).signing_secret
    for overlap in (None, 0):
        refusal = await refused(rotate(stub, subscription_id, overlap))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ROTATION_UNDER_WAY")
    assert await living(service, database) == [old, new]
    assert await version_and_change(service) == (2, True)


async def test_an_overlap_of_nothing_replaces_at_once(
    stub: "Stub", service: SubscriptionService, database: Database
) -> None:
    subscription_id, _ = await create(stub)
    for _ in range(3):
        answer = await rotate(stub, subscription_id, 0)
        assert await living(service, database) == [answer.signing_secret]
        assert answer.old_expire_time.ToDatetime(tzinfo=UTC) - datetime.now(UTC) < timedelta(seconds=30)
    assert await service.pool.fetchval("select count(*) from subscription.signing_secret") == 1
    assert await version_and_change(service) == (4, True)


async def test_a_promoted_secret_is_the_only_one(
    stub: "Stub", service: SubscriptionService, database: Database
) -> None:
    subscription_id, _ = await create(stub)
    new = (await rotate(stub, subscription_id, 604_800)).signing_secret
    await promote(stub, subscription_id)
    assert await living(service, database) == [new]
    [alone] = await listed(stub, subscription_id)
    assert (alone.signs_authorization, alone.HasField("expire_time")) == (True, False)
    assert await version_and_change(service) == (3, True)
    refusal = await refused(promote(stub, subscription_id))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NO_ROTATION")
    assert await version_and_change(service) == (3, True)


async def test_when_the_overlap_has_passed_the_new_one_is_alone_and_the_next_rotation_forgets_the_old_one(
    stub: "Stub", service: SubscriptionService, database: Database
) -> None:
    subscription_id, _ = await create(stub)
    second = (await rotate(stub, subscription_id, 3600)).signing_secret
    await service.pool.execute(LET_THE_OVERLAP_PASS)
    assert await living(service, database) == [second]
    assert [secret.signs_authorization for secret in await listed(stub, subscription_id)] == [True]
    assert (await refused(promote(stub, subscription_id))).reason == "NO_ROTATION"
    third = (await rotate(stub, subscription_id, 3600)).signing_secret
    assert await living(service, database) == [second, third]
    assert await service.pool.fetchval("select count(*) from subscription.signing_secret") == 2


async def test_of_many_rotations_at_once_one_is_made(
    stub: "Stub", service: SubscriptionService, database: Database
) -> None:
    subscription_id, old = await create(stub)
    outcomes = await asyncio.gather(*(rotate(stub, subscription_id) for _ in range(6)), return_exceptions=True)
    made = [one.signing_secret for one in outcomes if isinstance(one, pb.RotateSigningSecretResponse)]
    refusals = [refusal_of(one).reason for one in outcomes if isinstance(one, grpc.aio.AioRpcError)]
    assert refusals == ["ROTATION_UNDER_WAY"] * 5
    assert await living(service, database) == [old, *made]
    assert await version_and_change(service) == (2, True)


async def test_replacements_at_once_leave_one_secret_that_somebody_was_told(
    stub: "Stub", service: SubscriptionService, database: Database
) -> None:
    subscription_id, _ = await create(stub)
    told = [one.signing_secret for one in await asyncio.gather(*(rotate(stub, subscription_id, 0) for _ in range(6)))]
    [left] = await living(service, database)
    assert left in told
    assert await version_and_change(service) == (7, True)


async def test_the_pruner_deletes_what_has_expired_and_nothing_else(
    stub: "Stub", service: SubscriptionService, database: Database
) -> None:
    expired, _ = await create(stub)
    await rotate(stub, expired)
    await service.pool.execute(LET_THE_OVERLAP_PASS)
    rotating, _ = await create(stub)
    await rotate(stub, rotating)
    await create(stub)
    before = await living(service, database)
    assert await Pruner(service.pool).tick() is False
    assert await living(service, database) == before
    assert await service.pool.fetchval("select count(*) from subscription.signing_secret") == len(before) == 4


async def test_what_is_not_the_accounts_own_is_not_found(stub: "Stub", database: Database) -> None:
    await add_account(database, 8)
    theirs = bearer(await add_token(database, 8, "account_admin"))
    mine, _ = await create(stub)
    for odd in ("", "wsu_", "wsu_" + "0" * 27, "wsu_\x00" + "0" * 26, "x" * 5000):
        assert (await refused(rotate(stub, odd))).reason == "SUBSCRIPTION_NOT_FOUND"
        assert (await refused(promote(stub, odd))).reason == "SUBSCRIPTION_NOT_FOUND"
        assert (await refused(listed(stub, odd))).reason == "SUBSCRIPTION_NOT_FOUND"
    assert (await refused(rotate(stub, mine, metadata=theirs))).reason == "WRONG_ACCOUNT"
    foreign = pb.RotateSigningSecretRequest(account_id=8, subscription_id=mine)
    assert (await refused(stub.RotateSigningSecret(foreign, metadata=theirs))).reason == "SUBSCRIPTION_NOT_FOUND"
    foreign_list = pb.ListSigningSecretsRequest(account_id=8, subscription_id=mine)
    assert (await refused(stub.ListSigningSecrets(foreign_list, metadata=theirs))).reason == "SUBSCRIPTION_NOT_FOUND"


async def test_an_overlap_that_is_none_changes_nothing(stub: "Stub", service: SubscriptionService) -> None:
    subscription_id, _ = await create(stub)
    for overlap in (-1, 604_801):
        refusal = await refused(rotate(stub, subscription_id, overlap))
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert [bad.field for bad in refusal.fields] == ["overlap_duration"]
    assert await version_and_change(service) == (1, True)
    assert len(await listed(stub, subscription_id)) == 1
