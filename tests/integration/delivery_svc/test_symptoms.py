"""What users of such services report, by symptom: none of it here. Real Postgres, real gRPC, real sockets."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from chassis.caller import CREDENTIAL_KEY
from delivery_svc.store import recording
from runhook.delivery.v1 import delivery_service_pb2 as pb
from tests.support.delivery import ACCOUNT, CREDENTIAL, DeliveryService, add_subscription, an_event, delivery_service
from tests.support.postgres import Database
from tests.support.receiver import Peer, Receiver, Request

CALLER = ((CREDENTIAL_KEY, CREDENTIAL),)
#: The shortest period after which another pod takes a silent one's work.
SHORTEST: dict[str, Any] = {"delivery_heartbeat_seconds": 0.1, "delivery_dead_after_seconds": 3.2}
LANE_LIMIT = 16


async def _publish(service: DeliveryService, events: int) -> None:
    for first in range(0, events, 100):
        await service.publish(*[an_event(run_id=1 + run) for run in range(first, min(first + 100, events))])


def _times(receiver: Receiver) -> Counter[str]:
    return Counter(json.loads(request.body)["eventId"] for request in receiver.requests)


async def test_a_connection_per_delivery(database: Database) -> None:
    """The symptom: ports and TLS handshakes used up, since no connection is used twice."""
    async with Receiver() as receiver, delivery_service(database, delivery_lane_limit=LANE_LIMIT) as service:
        await add_subscription(database, receiver.url)
        await _publish(service, 1000)
        await receiver.request(1000)
        await service.drained()
    assert receiver.connections <= LANE_LIMIT
    assert set(_times(receiver).values()) == {1}


async def test_a_visibility_timeout_sends_a_slow_one_twice(database: Database) -> None:
    """The symptom: an attempt that takes longer than its lease is made again by somebody else meanwhile."""
    answered = asyncio.Event()

    async def slowly(peer: Peer, request: Request) -> None:
        await answered.wait()
        await peer.answer(200)

    async with (
        Receiver(slowly) as receiver,
        delivery_service(database, name="one", **SHORTEST) as one,
        delivery_service(database, name="two", **SHORTEST) as two,
    ):
        await add_subscription(database, receiver.url)
        await _publish(one, 5)
        await receiver.request(5)
        await asyncio.sleep(2 * SHORTEST["delivery_dead_after_seconds"])
        answered.set()
        await two.drained()
        made = await one.pool.fetch("select number, count(*) from delivery.attempt group by number")
    assert [tuple(row) for row in made] == [(1, 5)]
    assert set(_times(receiver).values()) == {1}


@pytest.mark.parametrize("same_pod", [True, False])
async def test_one_retry_overwrites_another(
    database: Database, monkeypatch: pytest.MonkeyPatch, same_pod: bool
) -> None:
    """The symptom: the outcome of attempt 1 is written again (its commit was of unknown outcome) while attempt 2 is under way:
    attempt 2 is forgotten, and made again."""
    record = recording.record_attempts
    committed, repeat, answered = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def loses_the_first_answer(*group: Any) -> None:
        await record(*group)
        if not committed.is_set():
            committed.set()
            await repeat.wait()
            raise ConnectionResetError("the answer to the commit was lost")

    async def when_told(peer: Peer, request: Request) -> None:
        await answered.wait()
        await peer.answer(200)

    monkeypatch.setattr(recording, "record_attempts", loses_the_first_answer)
    often, rarely = 0.02, 10.0
    async with (
        Receiver(500, when_told, 200) as receiver,
        delivery_service(database, name="one", delivery_claim_seconds=often if same_pod else rarely) as one,
        delivery_service(database, name="two", delivery_claim_seconds=rarely if same_pod else often),
    ):
        await add_subscription(database, receiver.url)
        await one.publish(an_event())
        await committed.wait()
        await _leased_again(one, receiver, same_pod)
        repeat.set()
        await receiver.request(2)
        await asyncio.sleep(0.5)  # the flush was repeated
        answered.set()
        await one.drained()
        made = await one.pool.fetch("select number, status_code from delivery.attempt order by number")
        states = await one.pool.fetch("select state, attempts from delivery.delivery")
    assert [tuple(row) for row in made] == [(1, 500), (2, 200)]
    assert [tuple(row) for row in states] == [("SUCCEEDED", 2)]
    assert len(receiver.requests) == 2


async def _leased_again(service: DeliveryService, receiver: Receiver, same_pod: bool) -> None:
    """Returns when the retry is leased: by another pod it is sent as well, by the same one only after the flush has ended."""
    if not same_pod:
        await receiver.request(2)
        return
    async with asyncio.timeout(10):
        while not await service.pool.fetchval("select lease_id is not null from delivery.queue"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_manual_redelivery_is_done_twice(database: Database) -> None:
    """The symptom: two clicks, or one click that two pods hear of, and two sets of attempts."""
    async with (
        Receiver(500, 500, 500, 500, 200) as receiver,
        delivery_service(database, name="one") as one,
        delivery_service(database, name="two") as two,
    ):
        await add_subscription(database, receiver.url)
        await one.publish(an_event())
        await receiver.request(4)
        await one.drained()
        delivery_id = await one.pool.fetchval("select id from delivery.delivery")
        request = pb.RedeliverRequest(account_id=ACCOUNT, delivery_id=delivery_id)
        asked = [service.stub.Redeliver(request, timeout=20, metadata=CALLER) for service in (one, two)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        await receiver.request(5)
        await two.drained()
        await asyncio.sleep(0.3)  # a second set would have begun
        made = await one.pool.fetch("select number, manual from delivery.attempt order by number")
    assert sum(isinstance(answer, pb.RedeliverResponse) for answer in answers) == 1
    assert [tuple(row) for row in made] == [(1, False), (2, False), (3, False), (4, False), (5, True)]
    assert len(receiver.requests) == 5
