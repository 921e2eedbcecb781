"""Who holds a delivery: leases, the fence, the rescue of what a dead pod held, parked lanes, the drain."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from delivery_svc import claimer
from tests.support.delivery import ACCOUNT, add_subscription, an_event, delivery_service
from tests.support.postgres import Database
from tests.support.receiver import Peer, Receiver, Request

KILL_EPOCH = "update delivery.pod set dead_at = clock_timestamp() where epoch = $1"


async def _slowly(peer: Peer, request: Request) -> None:
    await asyncio.sleep(0.3)
    await peer.answer(200)


async def test_a_first_attempt_needs_no_claim(database: Database) -> None:
    async with Receiver(_slowly) as receiver, delivery_service(database, delivery_claim_seconds=10) as service:
        await add_subscription(database, receiver.url)
        await service.publish(*[an_event(run_id=run_id) for run_id in range(1, 11)])
        leases = await service.pool.fetch("select lease_id, parked from delivery.queue")
        await receiver.request(10)
    assert [tuple(row) for row in leases] == [(service.engine.beater.epoch, False)] * 10


async def test_what_a_lane_cannot_hold_is_parked_and_delivered_all_the_same(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database, delivery_lane_limit=2) as service:
        await add_subscription(database, receiver.url)
        await service.publish(*[an_event(run_id=run_id) for run_id in range(1, 101)])
        await receiver.request(100)
        await service.drained()
        lanes = await service.pool.fetchval("select count(*) from delivery.lane where next_due_at is not null")
    runs = Counter(json.loads(request.body)["data"]["runId"] for request in receiver.requests)
    assert len(runs) == 100
    assert set(runs.values()) == {1}
    assert lanes == 0


async def test_a_dead_endpoint_fills_its_own_lane_and_never_the_pod(database: Database) -> None:
    async def never(peer: Peer, request: Request) -> None:
        await peer.closed_by_client()

    quick: dict[str, Any] = {
        "delivery_slots": 8,
        "delivery_lane_limit": 4,
        "delivery_timeout_seconds": 2,
        "grace_seconds": 6,
    }
    async with Receiver(never) as dead, Receiver() as healthy, delivery_service(database, **quick) as service:
        await add_subscription(database, dead.url, job_ids=[1])
        await add_subscription(database, healthy.url, job_ids=[2])
        await service.publish(*[an_event(job_id=1, run_id=run_id) for run_id in range(1, 201)])
        await service.publish(*[an_event(job_id=2, run_id=run_id) for run_id in range(1, 51)])
        async with asyncio.timeout(2):
            await healthy.request(50)
        parked = await service.pool.fetchval("select count(*) from delivery.queue where parked")
        await service.pool.execute("delete from delivery.queue")
    assert parked >= 180


async def test_a_slow_endpoints_parked_rows_do_not_put_the_whole_account_behind(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The symptom: beside a few endpoints that time out, all events of their account were claimed instead of born leased."""
    monkeypatch.setattr(claimer, "LARGEST_CLAIM", 1)  # every claim of a retry comes back full
    quick: dict[str, Any] = {"delivery_lane_limit": 2, "delivery_retry_delays_seconds": ",".join(["0.01"] * 20)}
    behind = set()
    async with Receiver(_slowly) as slow, Receiver(500) as failing, delivery_service(database, **quick) as service:
        await add_subscription(database, slow.url, job_ids=[1])
        await add_subscription(database, failing.url, job_ids=[2])
        await service.publish(*[an_event(job_id=1, run_id=run_id) for run_id in range(1, 31)])
        await service.publish(*[an_event(job_id=2, run_id=run_id) for run_id in range(1, 61)])
        while len(slow.requests) < 20:
            behind.add(service.engine.intake.turn(ACCOUNT)[0])
            await asyncio.sleep(0)
        await service.pool.execute("delete from delivery.queue")
    assert behind == {False}


async def test_more_than_the_pod_has_room_for_is_born_free_and_claimed_in_order(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database, delivery_slots=4, delivery_lane_limit=500) as service:
        await add_subscription(database, receiver.url)
        for first in range(1, 301, 100):
            await service.publish(*[an_event(run_id=run_id) for run_id in range(first, first + 100)])
        await receiver.request(300)
        await service.drained()
    assert len({json.loads(request.body)["eventId"] for request in receiver.requests}) == 300


async def test_a_rescued_row_does_not_wait_for_the_end_of_a_slow_pods_backlog(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The symptom: claims go on where the last one ended, and with slow endpoints 10,000 rows further on was minutes later."""
    monkeypatch.setattr(claimer, "LONGEST_WALK_SECONDS", 0.2)
    rescued = """update delivery.queue set due_at = due_at - interval '1 hour'
                  where id = (select max(id) from delivery.queue where lease_id is null and not parked) returning event_id"""

    async def in_no_hurry(peer: Peer, request: Request) -> None:
        await asyncio.sleep(0.02)
        await peer.answer(200)

    async with (
        Receiver(in_no_hurry) as receiver,
        delivery_service(database, delivery_slots=2, delivery_lane_limit=500) as service,
    ):
        await add_subscription(database, receiver.url)
        await service.publish(*[an_event(run_id=run_id) for run_id in range(1, 201)])
        await receiver.request(20)
        event_id = await service.pool.fetchval(rescued)
        await service.drained()
    events = [json.loads(request.body)["eventId"] for request in receiver.requests]
    assert events.index(event_id) < len(events) // 2


async def test_two_pods_share_a_backlog_and_send_nothing_twice(database: Database) -> None:
    small: dict[str, Any] = {"delivery_slots": 8, "delivery_lane_limit": 400}
    async with (
        Receiver() as receiver,
        delivery_service(database, name="one", **small) as one,
        delivery_service(database, name="two", **small) as two,
    ):
        await add_subscription(database, receiver.url)
        for first in range(1, 1001, 200):
            await one.publish(*[an_event(run_id=run_id) for run_id in range(first, first + 200)])
        await receiver.request(1000)
        await two.drained()
        epochs = await one.pool.fetch("select distinct id >> 32 as epoch from delivery.attempt")
    assert len({json.loads(request.body)["eventId"] for request in receiver.requests}) == 1000
    assert len(receiver.requests) == 1000
    assert len(epochs) == 2


async def test_a_pod_that_was_declared_dead_takes_a_new_epoch_and_its_rows_are_delivered(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        await add_subscription(database, receiver.url)
        old = service.engine.beater.epoch
        service.engine.beater._beaten = float("-inf")  # fenced: nothing may be sent
        await service.publish(an_event())
        assert receiver.requests == []
        await service.pool.execute(KILL_EPOCH, old)
        await receiver.request(1)
        await service.drained()
    assert service.engine.beater.epoch > old


async def test_a_fenced_pod_sends_nothing(database: Database) -> None:
    slow: dict[str, Any] = {"delivery_heartbeat_seconds": 30, "delivery_dead_after_seconds": 40}
    async with Receiver() as receiver, delivery_service(database, **slow) as service:
        await add_subscription(database, receiver.url)
        service.engine.beater._beaten = float("-inf")
        await service.publish(an_event())
        await asyncio.sleep(0.2)
        assert receiver.requests == []
        await service.engine.beater.tick()
        service.engine.dispatcher.pump()
        await receiver.request(1)


async def test_rows_leased_by_a_publish_of_unknown_outcome_are_freed_and_delivered(database: Database) -> None:
    async with Receiver() as receiver, delivery_service(database) as service:
        await add_subscription(database, receiver.url)
        admit = service.engine.intake.born
        service.engine.intake.born = lambda *_: None  # type: ignore[method-assign]  # the answer of the commit was lost
        await service.publish(an_event())
        service.engine.intake.born = admit  # type: ignore[method-assign]
        assert receiver.requests == []
        service.engine.reconciler.suspect()
        await receiver.request(1)
        await service.drained()


async def test_a_drain_finishes_what_is_in_flight_and_hands_back_the_rest(database: Database) -> None:
    async with Receiver(_slowly) as receiver:
        async with delivery_service(database, delivery_lane_limit=2, delivery_slots=2) as service:
            await add_subscription(database, receiver.url)
            await service.publish(*[an_event(run_id=run_id) for run_id in range(1, 7)])
            await receiver.request(2)
        sent = len(receiver.requests)
        async with delivery_service(database, name="next") as successor:
            await successor.drained()
            attempts = await successor.pool.fetchval("select count(*) from delivery.attempt")
            pods = await successor.pool.fetchval("select count(*) from delivery.pod")
    assert sent < 6
    assert len(receiver.requests) == 6
    assert (attempts, pods) == (6, 1)


async def test_a_deleted_subscription_is_not_sent_to_and_its_deliveries_say_why(database: Database) -> None:
    async with Receiver(500) as receiver, delivery_service(database, delivery_retry_delays_seconds="0.5") as service:
        key, _ = await add_subscription(database, receiver.url)
        await service.publish(an_event())
        await receiver.request(1)
        await _as_owner(database, "update subscription.subscription set deleted_at = now(), version = version + 1", key)
        await service.drained()
        states = await service.pool.fetch("select state, reason from delivery.delivery")
    assert [tuple(row) for row in states] == [("CANCELLED", "subscription_inactive")]
    assert len(receiver.requests) == 1


async def test_a_changed_url_holds_from_the_next_attempt_on(database: Database) -> None:
    settings = {"delivery_retry_delays_seconds": "0.5"}
    async with Receiver(500) as before, Receiver() as after, delivery_service(database, **settings) as service:
        key, _ = await add_subscription(database, before.url)
        await service.publish(an_event())
        await before.request(1)
        statement = "update subscription.subscription set version = 2, name = 'renamed', client_url = $2 where id = $1"
        await _as_owner(database, statement, key, after.url)
        await after.request(1)
        await service.drained()
    assert after.requests[0].body == before.requests[0].body


async def test_an_idle_claim_never_makes_a_publish_wait_or_overflow(database: Database) -> None:
    """The symptom: p99 of publish-to-receive was the whole patience, because a claim under way had reserved all the room."""
    async with Receiver() as receiver, delivery_service(database, delivery_claim_seconds=0.001) as service:
        await add_subscription(database, receiver.url)
        for run_id in range(1, 101):
            await service.publish(an_event(run_id=run_id))
            assert not service.engine.intake.backlog
        await receiver.request(100)


async def _as_owner(database: Database, statement: str, *values: object) -> None:
    import asyncpg

    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute(statement, *(values if "$1" in statement else ()))
    finally:
        await connection.close()
