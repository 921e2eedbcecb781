"""SIGTERM while all slots are busy and more waits: out in time, everything handed back, nothing lost, nothing twice."""

import asyncio
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from delivery_svc.store import queue
from tests.support.delivery import add_subscription, an_event, delivery_service
from tests.support.delivery_process import Publisher, settings
from tests.support.postgres import Database
from tests.support.receiver import Peer, Receiver, Request
from tests.support.service_process import ServiceProcess, free_port

SLOTS = 64
GRACE = 10.0
LEASED = "select count(*) from delivery.queue where lease_id is not null"
END_SESSIONS = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'runhook_delivery'"
STATES = "select state, count(*) from delivery.delivery group by state"


async def _slowly(peer: Peer, request: Request) -> None:
    await asyncio.sleep(0.4)
    await peer.answer(200)


async def _at_first_not(peer: Peer, request: Request) -> None:
    """Half of the events are taken at their second attempt only."""
    second = _event_id(request) in _seen
    _seen.add(_event_id(request))
    await peer.answer(200 if second or hash(_event_id(request)) % 2 else 503)


_seen: set[str] = set()


def _event_id(request: Request) -> str:
    event_id: str = json.loads(request.body)["eventId"]
    return event_id


def _taken_twice(receiver: Receiver) -> list[str]:
    return [one for one, times in Counter(map(_event_id, receiver.requests)).items() if times > 1]


async def _arrived(wanted: set[str], *receivers: Receiver) -> None:
    """Returns when all of them are there."""
    async with asyncio.timeout(60):
        while not wanted <= {_event_id(request) for receiver in receivers for request in receiver.requests}:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def _rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(database.delivery_url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def test_sigterm_under_full_load(database: Database, tmp_path: Path) -> None:
    port = free_port()
    more = {
        "DELIVERY_SLOTS": SLOTS,
        "DELIVERY_LANE_LIMIT": 24,
        "DELIVERY_RETRY_DELAYS_SECONDS": "0.3,0.3",
        "GRACE_SECONDS": GRACE,
    }
    service = ServiceProcess("delivery_svc", settings(database, tmp_path, port, "pod-1", **more))
    async with Receiver(_slowly) as slow, Receiver(_slowly) as sluggish, Receiver(_at_first_not) as moody:
        for job, receiver in enumerate((slow, sluggish, moody), start=1):
            await add_subscription(database, receiver.url, job_ids=[job])
        publisher = Publisher(f"127.0.0.1:{port}", jobs=(1, 2, 3), pause=0.2)
        await service.start()
        tasks = [asyncio.create_task(publisher.run(number)) for number in range(4)]
        await slow.request(200)
        await sluggish.request(200)
        began = time.monotonic()
        assert await service.stop() == 0
        took = time.monotonic() - began
        left = await _rows(database, "select count(*), count(lease_id) from delivery.queue")
        pods = await _rows(database, "select count(*) from delivery.pod")
        publisher.stopped = True
        await service.start()  # who publishes still insists
        await asyncio.gather(*tasks)
        await _arrived(set(publisher.acknowledged), slow, sluggish, moody)
        assert await service.stop() == 0
        made = Counter(dict(await _rows(database, "select delivery_id, count(*) from delivery.attempt group by 1")))
    posts = sum(len(receiver.requests) for receiver in (slow, sluggish, moody))
    assert took < GRACE
    assert left[0][0] > SLOTS, "there was more to do than it had in hand"
    assert left[0][1] == 0
    assert pods == [(0,)]
    assert _taken_twice(slow) == _taken_twice(sluggish) == []
    assert max(made.values()) <= 2
    assert made.total() == posts


async def test_what_a_claim_brings_while_the_pod_drains_is_handed_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The symptom: its rows stay leased to an epoch that nobody knows any more, and are never delivered."""
    claim, under_way = queue.claim, asyncio.Event()

    async def slow_claim(*wish: Any) -> list[asyncpg.Record]:
        rows = await claim(*wish)
        if rows:
            under_way.set()
            await asyncio.sleep(1.0)
        return rows

    monkeypatch.setattr(queue, "claim", slow_claim)
    async with Receiver(500, 200) as receiver:
        async with delivery_service(database, delivery_retry_delays_seconds="0.1,0.1") as service:
            await add_subscription(database, receiver.url)
            await service.publish(an_event())
            await under_way.wait()
        assert await _rows(database, LEASED) == [(0,)]
        await _delivered_by_another(database)


async def test_what_could_not_be_handed_back_in_time_is_left_to_others(database: Database, tmp_path: Path) -> None:
    """The symptom: a pod that may not write at its end forgets its epoch, and what it held is never delivered."""
    port = free_port()
    more = {"DELIVERY_SLOTS": 2, "DELIVERY_LANE_LIMIT": 2, "GRACE_SECONDS": 1}
    service = ServiceProcess("delivery_svc", settings(database, tmp_path, port, "pod-1", **more))
    async with Receiver(_slowly) as receiver:
        await add_subscription(database, receiver.url)
        await service.start()
        publisher = Publisher(f"127.0.0.1:{port}")
        publishing = asyncio.create_task(publisher.run(1))
        await receiver.request(2)
        publisher.stopped = True
        await publishing
        holder = await asyncpg.connect(database.owner_url)
        async with holder.transaction():
            await holder.execute("select from delivery.queue for update")
            await service.stop()
            await holder.execute(END_SESSIONS)
        await holder.close()
        assert await _rows(database, LEASED) != [(0,)]
        await _delivered_by_another(database)
    assert set(publisher.acknowledged) == set(map(_event_id, receiver.requests))
    assert len(receiver.requests) <= len(publisher.acknowledged) + 4  # what was held may come again


async def _delivered_by_another(database: Database) -> None:
    async with delivery_service(database, name="next") as successor:
        await successor.drained()
    assert {state for state, _ in await _rows(database, STATES)} == {"SUCCEEDED"}
