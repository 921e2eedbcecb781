"""The life of a subscription over real gRPC and Postgres: made, read, listed, replaced, deleted."""

import asyncio
import re
from typing import TYPE_CHECKING

import asyncpg
import grpc
import pytest

from chassis.ids import is_id, ksuid_seconds
from chassis.status import Refusal, refusal_of
from runhook.subscription.v1 import subscription_service_pb2 as pb
from runhook.subscription.v1.subscription_pb2 import Subscription
from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from subscription_svc.secret import row_name
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


def wish(**changes: object) -> Subscription:
    values: dict[str, object] = {
        "account_id": ACCOUNT,
        "name": "Webhook for jobs",
        "event_types": ["job.run.started"],
        "client_url": "https://example.com/hook",
        "active": True,
    }
    return Subscription(**(values | changes))  # type: ignore[arg-type]


async def create(stub: "Stub", **changes: object) -> pb.CreateSubscriptionResponse:
    return await stub.CreateSubscription(pb.CreateSubscriptionRequest(subscription=wish(**changes)), metadata=MINE)


async def update(stub: "Stub", subscription_id: str, **changes: object) -> Subscription:
    wanted = wish(subscription_id=subscription_id, **changes)
    answer = await stub.UpdateSubscription(pb.UpdateSubscriptionRequest(subscription=wanted), metadata=MINE)
    return answer.subscription


async def get(stub: "Stub", subscription_id: str) -> Subscription:
    request = pb.GetSubscriptionRequest(account_id=ACCOUNT, subscription_id=subscription_id)
    return (await stub.GetSubscription(request, metadata=MINE)).subscription


async def interests(service: SubscriptionService) -> list[tuple[str, int]]:
    rows = await service.pool.fetch("select event_type, job_id from subscription.interest order by event_type, job_id")
    return [(row["event_type"], row["job_id"]) for row in rows]


async def refused(call: object) -> Refusal:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call  # type: ignore[misc]
    return refusal_of(caught.value)


async def test_a_created_subscription_reads_back_as_it_was_sent(stub: "Stub", service: SubscriptionService) -> None:
    types = ["job.run.errored", "job.run.started", "job.run.errored"]
    made = (
        await create(stub, name="  Ünïcode \t", description="d", job_ids=[321, 123, 321], event_types=types)
    ).subscription
    assert await get(stub, made.subscription_id) == made
    assert (made.name, made.description, list(made.job_ids)) == ("  Ünïcode \t", "d", [321, 123, 321])
    assert list(made.event_types) == types
    assert is_id("wsu_", made.subscription_id)
    assert is_id("act_", made.account_identifier)
    assert abs(ksuid_seconds(made.subscription_id[4:]) - made.create_time.seconds) <= 1
    assert made.create_time == made.update_time
    assert (made.http_status_code, made.HasField("dispatch_time"), made.deactivate_reason) == (0, False, "")


async def test_an_update_with_the_etag_of_what_has_changed_meanwhile_is_refused(stub: "Stub") -> None:
    made = (await create(stub)).subscription
    mine, theirs = (wish(subscription_id=made.subscription_id, name=name) for name in ("mine", "theirs"))
    changed = await stub.UpdateSubscription(
        pb.UpdateSubscriptionRequest(subscription=mine, etag=made.etag), metadata=MINE
    )
    late = pb.UpdateSubscriptionRequest(subscription=theirs, etag=made.etag)
    refusal = await refused(stub.UpdateSubscription(late, metadata=MINE))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ETAG_MISMATCH")
    assert await get(stub, made.subscription_id) == changed.subscription
    await stub.SetCustomHeaders(
        pb.SetCustomHeadersRequest(account_id=ACCOUNT, subscription_id=made.subscription_id), metadata=MINE
    )
    assert (await get(stub, made.subscription_id)).etag not in (made.etag, changed.subscription.etag)


async def test_a_program_that_sends_back_what_it_read_is_not_held_to_its_etag(stub: "Stub") -> None:
    made = (await create(stub)).subscription
    for name in ("first", "second"):
        made.name = name
        answer = await stub.UpdateSubscription(pb.UpdateSubscriptionRequest(subscription=made), metadata=MINE)
        assert answer.subscription.name == name


async def test_the_secret_is_forty_hex_characters_and_sealed_at_rest(
    stub: "Stub", service: SubscriptionService
) -> None:
    answer = await create(stub)
    assert re.fullmatch("[0-9a-f]{40}", answer.signing_secret)
    row = await service.pool.fetchrow("select subscription_id, sealed from subscription.signing_secret")
    assert row is not None
    assert answer.signing_secret.encode() not in row["sealed"]
    assert service.key_ring.open(row["sealed"], row_name(row["subscription_id"])).decode() == answer.signing_secret


async def test_every_bad_field_is_named_at_once_and_nothing_is_stored(
    stub: "Stub", service: SubscriptionService
) -> None:
    bad = {"name": "", "client_url": "ftp://x", "event_types": ["job.run.cancelled"], "job_ids": [1, 0, -1]}
    refusal = await refused(create(stub, **bad))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [field.field for field in refusal.fields] == [
        "subscription.name",
        "subscription.job_ids[1]",
        "subscription.job_ids[2]",
        "subscription.event_types[0]",
        "subscription.client_url",
    ]
    assert await service.pool.fetchval("select count(*) from subscription.subscription") == 0


async def test_interest_has_one_row_for_each_type_and_job_and_follows_every_change(
    stub: "Stub", service: SubscriptionService
) -> None:
    types = ["job.run.started", "job.run.errored", "job.run.started"]
    made = (await create(stub, job_ids=[7, 7, 8], event_types=types)).subscription
    both = [("job.run.errored", 7), ("job.run.errored", 8), ("job.run.started", 7), ("job.run.started", 8)]
    assert await interests(service) == both
    await update(stub, made.subscription_id, event_types=["job.run.completed"])
    assert await interests(service) == [("job.run.completed", 0)]
    await update(stub, made.subscription_id, active=False)
    assert await interests(service) == []
    await update(stub, made.subscription_id)
    assert await interests(service) == [("job.run.started", 0)]
    await stub.DeleteSubscription(
        pb.DeleteSubscriptionRequest(account_id=ACCOUNT, subscription_id=made.subscription_id), metadata=MINE
    )
    assert await interests(service) == []


async def test_an_update_replaces_the_whole_and_raises_the_version(stub: "Stub", service: SubscriptionService) -> None:
    made = (await create(stub, description="d", job_ids=[7])).subscription
    after = await update(stub, made.subscription_id, name="Another")
    assert (after.name, after.description, list(after.job_ids)) == ("Another", "", [])
    assert after.create_time == made.create_time
    assert after.update_time.ToNanoseconds() > made.update_time.ToNanoseconds()
    assert await get(stub, made.subscription_id) == after
    assert await service.pool.fetchval("select version from subscription.subscription") == 2


async def test_a_changed_url_revives_a_deactivated_subscription(stub: "Stub", service: SubscriptionService) -> None:
    made = (await create(stub)).subscription
    await service.pool.execute(
        "update subscription.subscription set active = false, deactivate_reason = 'too many failures'"
    )
    kept = await update(stub, made.subscription_id, active=False)
    assert (kept.active, kept.deactivate_reason) == (False, "too many failures")
    revived = await update(stub, made.subscription_id, active=False, client_url="https://example.com/new")
    assert (revived.active, revived.deactivate_reason) == (True, "")
    assert await interests(service) == [("job.run.started", 0)]


async def test_a_deleted_subscription_is_gone_with_its_secret(stub: "Stub", service: SubscriptionService) -> None:
    made = (await create(stub)).subscription
    request = pb.DeleteSubscriptionRequest(account_id=ACCOUNT, subscription_id=made.subscription_id)
    await stub.DeleteSubscription(request, metadata=MINE)
    assert (await refused(get(stub, made.subscription_id))).code is grpc.StatusCode.NOT_FOUND
    assert (await refused(stub.DeleteSubscription(request, metadata=MINE))).code is grpc.StatusCode.NOT_FOUND
    assert (await refused(update(stub, made.subscription_id))).code is grpc.StatusCode.NOT_FOUND
    assert await service.pool.fetchval("select count(*) from subscription.signing_secret") == 0


async def test_an_odd_id_is_not_found(stub: "Stub") -> None:
    for odd in ("", "wsu_", "wsu_" + "0" * 27, "wsu_\x00" + "0" * 26, "act_" + "0" * 27, "x" * 5000):
        assert (await refused(get(stub, odd))).reason == "SUBSCRIPTION_NOT_FOUND"
        assert (await refused(update(stub, odd))).reason == "SUBSCRIPTION_NOT_FOUND"


async def test_a_list_is_in_the_order_of_making_and_counts_all(stub: "Stub") -> None:
    made = [(await create(stub, name=f"{number}")).subscription for number in range(12)]

    async def page(page_size: int, skip: int) -> tuple[list[str], int]:
        request = pb.ListSubscriptionsRequest(account_id=ACCOUNT, page_size=page_size, skip=skip)
        answer = await stub.ListSubscriptions(request, metadata=MINE)
        return [one.name for one in answer.subscriptions], answer.total_size

    names = [one.name for one in made]
    assert await page(0, 0) == (names[:10], 12)
    assert await page(5, 10) == (names[10:], 12)
    assert await page(1000, 0) == (names, 12)
    assert await page(5, 12) == ([], 12)
    assert (await refused(page(-1, -1))).fields[1].field == "skip"


async def test_an_account_never_holds_more_than_its_limit_however_many_ask_at_once(database: Database) -> None:
    async with (
        subscription_service(database, most_per_account=3) as service,
        grpc.aio.insecure_channel(service.target) as channel,
    ):
        stub = SubscriptionServiceStub(channel)
        answers = await asyncio.gather(*(create(stub) for _ in range(8)), return_exceptions=True)
        errors = [refusal_of(answer) for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
        assert [error.reason for error in errors] == ["SUBSCRIPTION_LIMIT"] * 5
        assert await service.pool.fetchval("select count(*) from subscription.subscription") == 3


async def test_operational_events_are_for_the_operators_account_alone(database: Database) -> None:
    operational = ["subscription.deactivated", "job.run.errored", "execution.rejected"]
    async with (
        subscription_service(database, operator_account_id=ACCOUNT) as service,
        grpc.aio.insecure_channel(service.target) as channel,
    ):
        stub: Stub = SubscriptionServiceStub(channel)
        made = (await create(stub, event_types=operational)).subscription
        assert list(made.event_types) == operational
        assert (
            list((await update(stub, made.subscription_id, event_types=operational[:1])).event_types) == operational[:1]
        )
        assert await interests(service) == [("subscription.deactivated", 0)]
        await add_account(database, 8)
        theirs = bearer(await add_token(database, 8, "account_admin"))
        sound = pb.CreateSubscriptionRequest(subscription=wish(account_id=8))
        other = (await stub.CreateSubscription(sound, metadata=theirs)).subscription
        wanted = wish(account_id=8, subscription_id=other.subscription_id, event_types=operational)
        for call in (
            stub.CreateSubscription(pb.CreateSubscriptionRequest(subscription=wanted), metadata=theirs),
            stub.UpdateSubscription(pb.UpdateSubscriptionRequest(subscription=wanted), metadata=theirs),
        ):
            refusal = await refused(call)
            complaint = "must be one of job.run.started, job.run.completed, job.run.errored"
            assert [(bad.field, bad.message) for bad in refusal.fields] == [
                ("subscription.event_types[0]", complaint),
                ("subscription.event_types[2]", complaint),
            ]


async def test_of_two_updates_at_once_both_are_applied_one_after_the_other(
    stub: "Stub", service: SubscriptionService
) -> None:
    made = (await create(stub)).subscription
    for version in range(2, 12, 2):
        answers = await asyncio.gather(
            update(stub, made.subscription_id, name="one", job_ids=[1]),
            update(stub, made.subscription_id, name="other", job_ids=[2]),
        )
        earlier, later = sorted(answers, key=lambda one: one.update_time.ToNanoseconds())
        assert earlier.update_time != later.update_time
        assert await get(stub, made.subscription_id) == later
        assert await interests(service) == [("job.run.started", later.job_ids[0])]
        assert await service.pool.fetchval("select version from subscription.subscription") == version + 1


async def test_an_endpoints_health_is_shown_as_delivery_svc_knows_it(
    stub: "Stub", service: SubscriptionService, database: Database
) -> None:
    made = (await create(stub)).subscription
    connection = await asyncpg.connect(database.delivery_url)
    await connection.execute(
        "insert into delivery.lane (subscription_id, last_status_code, last_attempt_at)"
        " select id, 410, timestamptz '2026-01-02 03:04:05.678901+00' from subscription.subscription"
    )
    await connection.close()
    seen = await get(stub, made.subscription_id)
    assert (seen.http_status_code, seen.dispatch_time.ToJsonString()) == (410, "2026-01-02T03:04:05.678901Z")
    assert seen.update_time == made.update_time


async def test_of_many_updates_at_once_one_is_last_and_none_is_half(stub: "Stub", service: SubscriptionService) -> None:
    made = (await create(stub)).subscription
    await asyncio.gather(
        *(update(stub, made.subscription_id, name=f"n{job}", job_ids=[job]) for job in range(1, 9)),
    )
    last = await get(stub, made.subscription_id)
    assert last.name == f"n{last.job_ids[0]}"
    assert await interests(service) == [("job.run.started", last.job_ids[0])]
    assert await service.pool.fetchval("select version from subscription.subscription") == 9
