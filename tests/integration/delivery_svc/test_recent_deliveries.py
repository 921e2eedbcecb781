"""Recent Deliveries: pages newest first, whatever the state; one delivery with its attempts."""

import asyncio

import asyncpg
import grpc
import pytest

from chassis.caller import CREDENTIAL_KEY
from chassis.ids import ksuid
from chassis.page_token import page_token
from chassis.status import refusal_of
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import DeliveryState
from tests.support.delivery import ACCOUNT, CREDENTIAL, DeliveryService, add_subscription, an_event, delivery_service
from tests.support.postgres import Database
from tests.support.receiver import Receiver

CALLER = ((CREDENTIAL_KEY, CREDENTIAL),)


async def _list(service: DeliveryService, subscription_id: str, **wishes: object) -> pb.ListDeliveriesResponse:
    request = pb.ListDeliveriesRequest(account_id=ACCOUNT, subscription_id=subscription_id, **wishes)  # type: ignore[arg-type]
    return await service.stub.ListDeliveries(request, timeout=20, metadata=CALLER)


async def test_pages_hold_every_delivery_once_newest_first(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        _, public_id = await add_subscription(database, receiver.url)
        await add_subscription(database, receiver.url, name="another")
        published = []
        for start in range(0, 12, 4):  # three transactions, so that moments and ids both decide
            published += await service.publish(*(an_event(run_id=start + number) for number in range(1, 5)))
        await service.drained()
        seen, token = [], ""
        while True:
            page = await _list(service, public_id, page_size=5, page_token=token, with_total_size=True)
            seen += list(page.deliveries)
            assert page.total_size == 12
            token = page.next_page_token
            if not token:
                break
    assert [one.event_id for one in seen] == list(reversed(published))
    assert {one.state for one in seen} == {DeliveryState.DELIVERY_STATE_SUCCEEDED}
    assert {one.last_status_code for one in seen} == {200}
    assert {one.body for one in seen} == {
        request.body for request in receiver.requests if public_id.encode() in request.body
    }


async def test_filters_by_type_and_job_find_all_however_far_apart(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery_svc.recent.LOOKED_AT_ONCE", 4)
    monkeypatch.setattr("delivery_svc.recent.MOST_LOOKED_AT", 8)
    async with Receiver() as receiver, delivery_service(database) as service:
        _, public_id = await add_subscription(database, receiver.url)
        rare = [an_event("job.run.started", job_id=7), an_event("job.run.started", job_id=8)]
        sent = await service.publish(rare[0], *[an_event(run_id=run) for run in range(1, 31)], rare[1])
        await service.drained()
        started = await _through(service, public_id, event_type="job.run.started")
        of_job = await _through(service, public_id, event_type="job.run.started", job_id=7)
        usual = await _through(service, public_id, event_type="job.run.completed", page_size=5)
        none = await _through(service, public_id, event_type="job.run.paused")
    assert started == [sent[-1], sent[0]]
    assert of_job == [sent[0]]
    assert usual == list(reversed(sent[1:-1]))
    assert none == []


async def _through(service: DeliveryService, subscription_id: str, **wishes: object) -> list[str]:
    seen, token = [], ""
    while True:
        page = await _list(service, subscription_id, page_token=token, **wishes)
        seen += [one.event_id for one in page.deliveries]
        token = page.next_page_token
        if not token:
            return seen


async def test_a_delivery_between_two_attempts_is_listed_as_pending(database: Database) -> None:
    async with (
        Receiver(500) as receiver,
        delivery_service(database, delivery_retry_delays_seconds="3600") as service,
    ):
        _, public_id = await add_subscription(database, receiver.url)
        [event_id] = await service.publish(an_event())
        await receiver.request(1)
        await _until_tried(service)
        [pending] = (await _list(service, public_id)).deliveries
        states = {
            state: len((await _list(service, public_id, state=state)).deliveries)
            for state in DeliveryState.values()[1:]
        }
        found = await service.stub.GetDelivery(
            pb.GetDeliveryRequest(account_id=ACCOUNT, subscription_id=public_id, event_id=event_id),
            timeout=20,
            metadata=CALLER,
        )
    assert (pending.state, pending.attempt_count, pending.last_status_code) == (
        DeliveryState.DELIVERY_STATE_PENDING, 1, 500,
    )  # fmt: skip
    assert not pending.HasField("finish_time")
    wait = pending.next_attempt_time.ToDatetime() - pending.create_time.ToDatetime()
    assert 2700 < wait.total_seconds() < 4500  # an hour, and the jitter
    assert states == {1: 1, 2: 0, 3: 0, 4: 0, 5: 0}
    assert found.delivery == pending


async def test_parked_deliveries_are_listed_and_found_before_their_first_attempt(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        key, public_id = await add_subscription(database, receiver.url)
        await add_subscription(database, receiver.url)
        await service.publish(an_event())
        await service.drained()
        owner = await asyncpg.connect(database.owner_url)
        try:
            await owner.execute(
                "insert into delivery.queue (id, event_id, published_at, subscription_id, account_id, webhook_name, due_at,"
                " parked) select 900, event_id, published_at, $1, 1, 'test', published_at, true from delivery.event",
                key,
            )
            await owner.execute("delete from delivery.delivery where subscription_id = $1", key)
        finally:
            await owner.close()
        [parked] = (await _list(service, public_id)).deliveries
        by_ends = pb.GetDeliveryRequest(account_id=ACCOUNT, subscription_id=public_id, event_id=parked.event_id)
        found = await service.stub.GetDelivery(by_ends, timeout=20, metadata=CALLER)
    assert (parked.delivery_id, parked.state) == (900, DeliveryState.DELIVERY_STATE_PENDING)
    assert found.delivery == parked


async def test_one_delivery_is_found_by_its_id_and_by_its_ends_with_its_attempts(database: Database) -> None:
    async with Receiver(500, 302, 204) as receiver, delivery_service(database) as service:
        _, public_id = await add_subscription(database, receiver.url)
        [event_id] = await service.publish(an_event())
        await receiver.request(3)
        await service.drained()
        [listed] = (await _list(service, public_id)).deliveries
        answers = [
            await service.stub.GetDelivery(request, timeout=20, metadata=CALLER)
            for request in (
                pb.GetDeliveryRequest(account_id=ACCOUNT, delivery_id=listed.delivery_id),
                pb.GetDeliveryRequest(account_id=ACCOUNT, subscription_id=public_id, event_id=event_id),
            )
        ]
    assert answers[0] == answers[1]
    attempts = answers[0].attempts
    assert [(one.number, one.status_code, one.error) for one in attempts] == [(1, 500, ""), (2, 302, ""), (3, 204, "")]
    assert len({one.attempt_id for one in attempts}) == 3
    sent = receiver.requests[0]
    for header in attempts[0].request_headers:
        expected = sent.headers[header.name.lower()]
        assert header.value == ("***" if header.name in ("Authorization", "webhook-signature") else expected)
    assert answers[0].delivery.body == sent.body
    assert answers[0].delivery.account_identifier.startswith("act_")


async def test_filters_by_state_and_time(database: Database) -> None:
    async with Receiver(200, 500) as receiver, delivery_service(database) as service:
        _, public_id = await add_subscription(database, receiver.url)
        await service.publish(an_event(run_id=1))
        await receiver.request(1)
        await service.drained()
        await service.publish(an_event(run_id=2))
        await service.drained()
        newest, oldest = (await _list(service, public_id)).deliveries
        failed = await _list(service, public_id, state=DeliveryState.DELIVERY_STATE_FAILED)
        succeeded = await _list(service, public_id, state=DeliveryState.DELIVERY_STATE_SUCCEEDED)
        after = await _list(service, public_id, published_after=newest.create_time)
        before = await _list(service, public_id, published_before=newest.create_time)
        skipped = await _list(service, public_id, skip=1)
    assert list(failed.deliveries) == [newest] == list(after.deliveries)
    assert list(succeeded.deliveries) == [oldest] == list(before.deliveries) == list(skipped.deliveries)
    assert newest.reason == "retries_exhausted"


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"page_size": -1}, "page_size"),
        ({"skip": -1}, "skip"),
        ({"skip": 10_001}, "skip"),
        ({"page_token": "?"}, "page_token"),
        ({"page_token": "AAAA"}, "page_token"),
        ({"page_token": page_token("accounts", 1, 1)}, "page_token"),
        ({"page_token": page_token("deliveries", 2**63 - 1, 1)}, "page_token"),  # a time beyond the year 9999
    ],
)
async def test_an_odd_page_is_refused_by_its_field(database: Database, wish: dict[str, object], field: str) -> None:
    async with delivery_service(database) as service:
        _, public_id = await add_subscription(database, "http://127.0.0.1:9/")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _list(service, public_id, **wish)
    refusal = refusal_of(caught.value)
    assert (refusal.code, [bad.field for bad in refusal.fields]) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


async def test_another_accounts_deliveries_are_not_found(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        _, public_id = await add_subscription(database, receiver.url)
        [event_id] = await service.publish(an_event())
        await service.drained()
        [mine] = (await _list(service, public_id)).deliveries
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.stub.ListDeliveries(
                pb.ListDeliveriesRequest(account_id=2, subscription_id=public_id), timeout=20, metadata=CALLER
            )
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        for request in (
            pb.GetDeliveryRequest(account_id=2, delivery_id=mine.delivery_id),
            pb.GetDeliveryRequest(account_id=2, subscription_id=public_id, event_id=event_id),
            pb.GetDeliveryRequest(account_id=1, subscription_id=public_id, event_id="x"),
            pb.GetDeliveryRequest(account_id=1, subscription_id=public_id, event_id="wev_" + ksuid(1)),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await service.stub.GetDelivery(request, timeout=20, metadata=CALLER)
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def _until_tried(service: DeliveryService) -> None:
    async with asyncio.timeout(20):
        while not await service.pool.fetchval("select exists (select from delivery.queue where attempts > 0)"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
