"""Erasures: bodies go for good, of one event or of an account; the facts around them stay, and nothing is sent without one."""

import asyncio

import asyncpg
import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.status import refusal_of
from delivery_svc.erase import Erasures
from delivery_svc.eraser import Eraser
from delivery_svc.erasure import NewErasure
from delivery_svc.store import redelivery
from runhook.delivery.v1 import delivery_pb2
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import DeliveryState, ErasureState
from tests.support.delivery import ACCOUNT, DeliveryService, add_account, add_subscription, an_event, delivery_service
from tests.support.erasure import bodies, erase, erased, look, refused
from tests.support.postgres import Database
from tests.support.receiver import Peer, Receiver, Request, answer
from tests.support.recovery import CALLER, ended, fill, recover

RUNNING = ErasureState.ERASURE_STATE_RUNNING
FINISHED = ErasureState.ERASURE_STATE_FINISHED
ANSWER = answer(200, b"thank you, Daily Job", ["X-Seen: yes"])
SLOWLY = {"delivery_retry_delays_seconds": "3600"}


async def _delivery(service: DeliveryService, public_id: str, event_id: str) -> pb.GetDeliveryResponse:
    request = pb.GetDeliveryRequest(account_id=ACCOUNT, subscription_id=public_id, event_id=event_id)
    return await service.stub.GetDelivery(request, timeout=20, metadata=CALLER)


async def _refusal_to_redeliver(service: DeliveryService, delivery_id: int) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.Redeliver(
            pb.RedeliverRequest(account_id=ACCOUNT, delivery_id=delivery_id), timeout=20, metadata=CALLER
        )
    return refusal_of(caught.value).reason


async def _count(service: DeliveryService, statement: str) -> int:
    counted: int = await service.pool.fetchval(statement)
    return counted


async def _reached(service: DeliveryService, statement: str, count: int) -> None:
    async with asyncio.timeout(20):
        while await _count(service, statement) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_of_one_event_body_and_answers_go_and_all_else_stays(database: Database) -> None:
    async with Receiver(ANSWER) as receiver, delivery_service(database) as service:
        _, public_id = await add_subscription(database, receiver.url)
        gone, kept = await service.publish(an_event(request_id="one"), an_event(run_id=2))
        await receiver.request(2)
        await service.drained()
        before = await _delivery(service, public_id, gone)
        begun = await erase(service, gone)
        done = await erased(service, begun)
        after = await _delivery(service, public_id, gone)
        other = await _delivery(service, public_id, kept)
        again = await service.publish(an_event(request_id="one"))
        refusal = await _refusal_to_redeliver(service, after.delivery.delivery_id)
    assert (begun.state, begun.event_id) == (RUNNING, gone)
    assert (done.state, done.erased, done.HasField("finish_time")) == (FINISHED, 1, True)
    assert (before.delivery.body[:1], before.attempts[0].response_body) == (b"{", b"thank you, Daily Job")
    assert (after.delivery.body, after.attempts[0].response_body) == (b"", b"")
    assert list(after.attempts[0].response_headers) == []
    assert (after.delivery.HasField("erase_time"), other.delivery.HasField("erase_time")) == (True, False)
    assert not after.delivery.HasField("next_attempt_time")
    assert [header for header in before.attempts[0].request_headers if header.name != "Content-Length"] == list(
        after.attempts[0].request_headers
    )
    assert (after.delivery.state, after.delivery.event_type) == (before.delivery.state, before.delivery.event_type)
    assert after.attempts[0].status_code == 200
    assert (other.delivery.body[:1], other.attempts[0].response_body) == (b"{", b"thank you, Daily Job")
    assert again == [gone]
    assert refusal == "BODY_ERASED"
    assert len(receiver.requests) == 2


async def test_of_an_account_all_goes_and_of_another_nothing(database: Database) -> None:
    async with Receiver(ANSWER) as receiver, delivery_service(database) as service:
        await add_subscription(database, receiver.url)
        await add_subscription(database, receiver.url)
        await add_subscription(database, receiver.url, account_id=2)
        events = [an_event(run_id=number) for number in range(1, 31)]
        nobodys = [an_event("job.run.started", account_id=3)]
        await service.publish(*events, *[an_event(account_id=2)] * 5, *nobodys)
        await receiver.request(65)
        await service.drained()
        done = await erased(service, await erase(service))
        left = [await bodies(service, account) for account in (ACCOUNT, 2, 3)]
        later = await service.publish(an_event())
        await service.drained()
    assert (done.state, done.erased, done.event_id) == (FINISHED, 30, "")
    assert left == [0, 10, 1]
    assert len(later) == 1
    assert receiver.requests[-1].body.endswith(b'"}}')


async def test_only_what_was_published_before_the_time_goes(database: Database) -> None:
    async with delivery_service(database) as service:
        await add_account(database)
        await service.publish(an_event(), an_event())
        before = Timestamp()
        before.FromDatetime(await service.pool.fetchval("select clock_timestamp()"))
        await service.publish(an_event())
        done = await erased(service, await erase(service, published_before=before))
        left = await bodies(service)
        future = await erase(service, published_before=Timestamp(seconds=253_402_300_799))
    assert (done.erased, left, done.published_before) == (2, 1, before)
    assert future.published_before.ToDatetime() <= future.create_time.ToDatetime()


async def test_what_waits_is_cancelled_and_what_is_under_way_is_finished_and_wiped(database: Database) -> None:
    go = asyncio.Event()

    async def hold(peer: Peer, request: Request) -> None:
        await go.wait()
        await peer.send(ANSWER)

    async with (
        Receiver(hold) as slow,
        Receiver(500) as failing,
        delivery_service(database, **SLOWLY) as service,
    ):
        _, under_way = await add_subscription(database, slow.url, event_types=["job.run.completed"])
        _, waiting = await add_subscription(database, failing.url, event_types=["job.run.started"])
        first, second = await service.publish(an_event(), an_event("job.run.started"))
        await slow.request(1)
        await _reached(service, "select count(*) from delivery.queue where lease_id is null", 1)
        begun = await erase(service)
        await _reached(service, "select count(*) from delivery.delivery where reason = 'erased'", 1)
        await asyncio.sleep(1.2)  # longer than the eraser rests
        midway = await look(service, begun.erasure_id)
        go.set()
        done = await erased(service, begun)
        delivered = await _delivery(service, under_way, first)
        cancelled = await _delivery(service, waiting, second)
        left = await bodies(service)
    assert (midway.state, midway.erased) == (RUNNING, 2)
    assert done.state == FINISHED
    assert (delivered.delivery.state, delivered.attempts[0].status_code) == (
        DeliveryState.DELIVERY_STATE_SUCCEEDED,
        200,
    )
    assert (delivered.delivery.body, delivered.attempts[0].response_body) == (b"", b"")
    assert (cancelled.delivery.state, cancelled.delivery.reason) == (DeliveryState.DELIVERY_STATE_CANCELLED, "erased")
    assert (len(cancelled.attempts), left) == (1, 0)


async def test_a_claimed_row_without_a_body_is_cancelled_and_never_sent(database: Database) -> None:
    async with Receiver(500) as receiver, delivery_service(database, **SLOWLY) as service:
        await add_subscription(database, receiver.url)
        await service.publish(an_event())
        await _reached(service, "select count(*) from delivery.queue where lease_id is null", 1)
        # As far as an eraser has come that died after its first step.
        await service.pool.execute("update delivery.event set data = '', erased_at = clock_timestamp()")
        await service.pool.execute("update delivery.queue set due_at = clock_timestamp()")
        await service.drained()
        [row] = await service.pool.fetch("select state, reason, attempts from delivery.delivery")
    assert tuple(row) == ("CANCELLED", "erased", 1)
    assert len(receiver.requests) == 1


async def test_a_recovery_leaves_out_what_was_erased(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        key, public_id = await add_subscription(database, receiver.url)
        await fill(database, key, 5)
        event_id = await service.pool.fetchval("select event_id from delivery.event order by event_id limit 1")
        await erased(service, await erase(service, event_id))
        found = await ended(service, (await recover(service, public_id)).recovery_id)
        await service.drained()
        states = await service.pool.fetch("select state, count(*) from delivery.delivery group by 1 order by 1")
    assert (found.found, found.requeued) == (4, 4)
    assert [tuple(row) for row in states] == [("FAILED", 1), ("SUCCEEDED", 4)]


async def test_an_erasure_goes_on_in_other_pods_and_leaves_nothing_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery_svc.store.erasing.BATCH", 7)
    monkeypatch.setattr("delivery_svc.store.erasing.WINDOW", 10)
    async with Receiver(ANSWER) as receiver:
        await add_subscription(database, receiver.url)
        await add_subscription(database, receiver.url, account_id=2)
        async with delivery_service(database) as service:
            mine, others = [an_event(run_id=number) for number in range(1, 101)], [an_event(account_id=2)] * 50
            await service.publish(*mine, *others)
            await receiver.request(150)
            await service.drained()
        async with asyncpg.create_pool(database.delivery_url, min_size=1, max_size=2) as pool:
            wish = NewErasure(account_id=ACCOUNT, event_id=None, published_before=None)
            begun = await Erasures(pool, lambda: None).start(wish)
            dying = Eraser(pool)
            steps = [await dying.tick() for _ in range(8)]  # five of them may see the other account's alone
            midway = await pool.fetchval("select erased from delivery.erasure")
        async with delivery_service(database, name="pod-2") as one, delivery_service(database, name="pod-3") as two:
            done = await erased(one, delivery_pb2.Erasure(erasure_id=begun.id, state=RUNNING))
            left = [await bodies(two, account) for account in (ACCOUNT, 2)]
    assert steps == [True] * 8
    assert 0 < midway < 100
    assert (done.erased, left) == (100, [0, 100])


async def test_what_commits_after_the_erasure_began_but_was_published_before_goes_too(database: Database) -> None:
    async with delivery_service(database) as service:
        await add_account(database)
        late = await asyncpg.connect(database.delivery_url)
        try:
            transaction = late.transaction()
            await transaction.start()
            await late.execute(
                "insert into delivery.event (published_at, event_id, account_id, event_type, job_id, event_time_ns, data)"
                " values (clock_timestamp(), 'wev_000000000000000000000000000', 1, 'job.run.started', 1, 0, '{}')"
            )
            begun = await erase(service)
            await asyncio.sleep(1.2)  # longer than the eraser rests
            midway = await look(service, begun.erasure_id)
            await transaction.commit()
        finally:
            await late.close()
        done = await erased(service, begun)
    assert (midway.state, midway.erased) == (RUNNING, 0)
    assert done.erased == 1


async def test_what_is_put_back_while_its_event_is_erased_is_cancelled(database: Database) -> None:
    key, _ = await add_subscription(database, "http://127.0.0.1:9/")
    await fill(database, key, 1)
    async with asyncpg.create_pool(database.delivery_url, min_size=1, max_size=3) as pool:
        wish = NewErasure(account_id=ACCOUNT, event_id="wev_" + "1".zfill(27), published_before=None)
        begun = await Erasures(pool, lambda: None).start(wish)
        eraser = Eraser(pool)
        async with pool.acquire() as beside:
            transaction = beside.transaction()
            await transaction.start()
            put_back = await beside.fetch(redelivery.REDELIVER, 1, ACCOUNT)
            before = [await eraser.tick() for _ in range(3)]
            data = await pool.fetchval("select data from delivery.event")
            await transaction.commit()
        while await eraser.tick():
            pass
        rows = await pool.fetch("select state, reason from delivery.delivery")
        done = await pool.fetchval("select state from delivery.erasure where erasure_id = $1", begun.id)
    assert len(put_back) == 1
    assert (before, data) == ([True, True, False], b"")
    assert ([tuple(row) for row in rows], done) == ([("CANCELLED", "erased")], "FINISHED")


async def test_beside_load_all_that_came_before_goes_and_all_that_comes_is_delivered(database: Database) -> None:
    async with Receiver(ANSWER) as receiver, delivery_service(database) as service:
        await add_subscription(database, receiver.url)
        published: list[str] = []
        going = True

        async def publish() -> None:
            while going:
                published.extend(await service.publish(*(an_event() for _ in range(10))))

        load = asyncio.create_task(publish())
        await receiver.request(100)
        done = await erased(service, await erase(service))
        count = len(receiver.requests)
        await receiver.request(count + 50)
        going = False
        await load
        await service.drained()
        states = await service.pool.fetch("select state, reason, count(*) from delivery.delivery group by 1, 2")
        whole = await _count(service, "select count(*) from delivery.event where data <> ''")
        early = await service.pool.fetchval(
            "select count(*) from delivery.event where data <> '' and published_at < $1",
            done.published_before.ToDatetime(),
        )
    finished = {(state, reason): count for state, reason, count in states}
    assert done.erased >= 90
    assert early == 0
    assert whole == len(published) - done.erased
    assert finished.keys() <= {("SUCCEEDED", ""), ("CANCELLED", "erased")}
    assert sum(finished.values()) == len(published)
    assert all(len(request.body) > 300 for request in receiver.requests)


async def test_of_an_account_one_runs_at_a_time(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        await add_subscription(database, receiver.url)
        [event_id] = await service.publish(an_event())
        await service.drained()
        service.engine.erasures._wake_eraser = lambda: None  # what begins stays as it is for a second
        asked = await asyncio.gather(*(erase(service) for _ in range(4)), return_exceptions=True)
        begun = [one for one in asked if isinstance(one, delivery_pb2.Erasure)]
        reason = await refused(service)
        beside = await erase(service, event_id)
        other = await erase(service, account_id=2)
        await erased(service, begun[0])
        await erased(service, beside)
        again = await erase(service)
        listed = await service.stub.ListErasures(
            pb.ListErasuresRequest(account_id=ACCOUNT), timeout=20, metadata=CALLER
        )
    assert (len(begun), reason) == (1, "ERASURE_UNDER_WAY")
    ids = [one.erasure_id for one in listed.erasures]
    assert ids == [again.erasure_id, beside.erasure_id, begun[0].erasure_id]
    assert other.erasure_id not in ids


async def test_an_odd_wish_is_refused(database: Database) -> None:
    async with delivery_service(database) as service:
        await add_account(database)
        await add_account(database, 2)
        [foreign] = await service.publish(an_event(account_id=2))
        [mine] = await service.publish(an_event())
        done = await erased(service, await erase(service, mine))
        for odd in ("x", "wev_\0", "wev_2YBXZOLrb96DISR4AvppWEP0Cqu", foreign):
            assert await refused(service, odd) == "EVENT_NOT_FOUND"
        assert await refused(service, mine, published_before=Timestamp(seconds=1)) == "INVALID_INPUT"
        assert await refused(service, published_before=Timestamp(seconds=-1)) == "INVALID_INPUT"
        assert await refused(service, account_id=0) == "ACCOUNT_NOT_FOUND"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await look(service, done.erasure_id, account_id=2)
        assert refusal_of(caught.value).reason == "ERASURE_NOT_FOUND"
        assert (await erased(service, await erase(service, mine))).erased == 0
