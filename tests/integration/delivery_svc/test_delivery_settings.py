"""Subscriptions with settings of their own: retries, concurrency and rate hold for them alone, and a change from the next
lease on. Real engines, a real Postgres, real receivers."""

import asyncio
import time
from itertools import pairwise
from typing import Any

import asyncpg

from tests.support.delivery import add_subscription, an_event, delivery_service
from tests.support.postgres import Database
from tests.support.receiver import Peer, Receiver, Request

SET = """
insert into subscription.delivery_setting (subscription_id, retry_delays, retry_jitter, concurrency, rate_per_second)
values ($1, $2, $3, $4, $5)
on conflict (subscription_id) do update
   set retry_delays = excluded.retry_delays, retry_jitter = excluded.retry_jitter, concurrency = excluded.concurrency,
       rate_per_second = excluded.rate_per_second
"""


async def _set(
    database: Database,
    key: int,
    *,
    delays: list[float] | None = None,
    jitter: float | None = None,
    concurrency: int | None = None,
    rate: float | None = None,
) -> None:
    """As subscription_svc writes it."""
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute(SET, key, delays, jitter, concurrency, rate)
        await connection.execute("update subscription.subscription set version = version + 1 where id = $1", key)
    finally:
        await connection.close()


class _Gate:
    """A receiver's script that counts how many requests are under way at once."""

    def __init__(self, seconds: float) -> None:
        self.most = self._now = 0
        self._seconds = seconds

    async def __call__(self, peer: Peer, request: Request) -> None:
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(self._seconds)
        self._now -= 1
        await peer.answer(200)


def _events(count: int, job_id: int = 123) -> list[Any]:
    return [an_event(job_id=job_id, run_id=1 + number) for number in range(count)]


async def test_a_subscription_is_retried_by_its_own_schedule(database: Database) -> None:
    async with Receiver(500) as own, Receiver(500) as plain, delivery_service(database) as service:
        key, _ = await add_subscription(database, own.url)
        other, _ = await add_subscription(database, plain.url)
        await _set(database, key, delays=[0.5], jitter=0)
        await service.publish(an_event())
        await service.drained()
        times = "select array_agg(attempted_at order by number) from delivery.attempt where subscription_id = $1"
        [mine, theirs] = [await service.pool.fetchval(times, one) for one in (key, other)]
    assert (len(mine), len(theirs)) == (2, 4)
    assert 0.5 <= (mine[1] - mine[0]).total_seconds() < 0.9


async def test_without_retries_one_attempt_is_made(database: Database) -> None:
    async with Receiver(500) as receiver, delivery_service(database) as service:
        key, _ = await add_subscription(database, receiver.url)
        await _set(database, key, delays=[])
        await service.publish(an_event())
        await service.drained()
    assert len(receiver.requests) == 1


async def test_a_concurrency_of_its_own_holds_and_what_is_more_is_born_parked(database: Database) -> None:
    gate, wide = _Gate(0.05), _Gate(0.05)
    async with Receiver(gate) as narrow, Receiver(wide) as plain, delivery_service(database) as service:
        key, _ = await add_subscription(database, narrow.url)
        await add_subscription(database, plain.url)
        await _set(database, key, concurrency=2)
        await service.publish(an_event())
        await narrow.request(1)
        await service.drained()
        await service.publish(*_events(30))
        parked = await service.pool.fetchval(
            "select count(*) from delivery.queue where parked and subscription_id = $1", key
        )
        await service.drained()
        await _set(database, key, concurrency=6)
        await service.publish(*_events(30))
        await service.drained()
    assert wide.most > 6
    assert gate.most == 6
    assert parked >= 26 - 2
    assert len({request.headers["webhook-id"] for request in narrow.requests}) == len(narrow.requests) == 61


async def test_two_pods_together_keep_a_rate_and_a_burst_is_a_second_of_it(database: Database) -> None:
    rate, deliveries = 20.0, 60
    async with (
        Receiver() as receiver,
        delivery_service(database, name="one") as one,
        delivery_service(database, name="two"),
    ):
        key, _ = await add_subscription(database, receiver.url)
        await _set(database, key, rate=rate)
        await asyncio.sleep(1.0)  # each pod has counted the other
        began = time.monotonic()
        await one.publish(*_events(deliveries))
        await one.drained()
        took = time.monotonic() - began
        sent = [
            row["attempted_at"] for row in await one.pool.fetch("select attempted_at from delivery.attempt order by 1")
        ]
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == len(receiver.requests) == deliveries
    assert 1.7 <= took < 5.0  # a burst of 20 in all, then 40 at 20 a second
    within = [sum(first <= moment and (moment - first).total_seconds() < 1 for moment in sent) for first in sent]
    assert max(within) <= 2 * rate + 2
    assert all(earlier <= later for earlier, later in pairwise(sent))


async def test_a_rate_keeps_nobody_else_waiting_and_is_not_spun_on(database: Database) -> None:
    async with Receiver() as slow, Receiver() as plain, delivery_service(database) as service:
        key, _ = await add_subscription(database, slow.url, job_ids=[1])
        await add_subscription(database, plain.url, job_ids=[2])
        await _set(database, key, rate=2.0)
        await service.publish(an_event(job_id=1))
        await slow.request(1)  # from here on the pod knows the rate, and publish parks what is beyond it
        await service.publish(*_events(300, job_id=1))
        began = time.monotonic()
        await service.publish(*_events(300, job_id=2))
        await plain.request(300)
        took = time.monotonic() - began
        versions = "select id, xmin::text || ctid::text as version from delivery.queue where parked"
        await asyncio.sleep(0.5)
        before = {row["id"]: row["version"] for row in await service.pool.fetch(versions)}
        await asyncio.sleep(3.0)
        after = {row["id"]: row["version"] for row in await service.pool.fetch(versions)}
        sent = len(slow.requests)
        await _as_owner(database, "delete from delivery.queue")
    assert took < 3.0
    assert 6 <= sent <= 14
    assert len(after) > 200
    assert after.items() <= before.items()  # what waits is not looked at again and again


async def _as_owner(database: Database, statement: str) -> None:
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
