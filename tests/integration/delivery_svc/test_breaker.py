"""Dead endpoints are left alone: real engines, a real Postgres, receivers that come and go."""

import asyncio
import json
import random
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest

from delivery_svc.breaker import PROBES, Breaker, BreakerPolicy, after
from delivery_svc.delivery import Attempt, Delivery, Settled
from delivery_svc.event import Event
from delivery_svc.health import TICKS_IN_NO_HURRY, Health
from delivery_svc.intake import NO_PROFILE
from delivery_svc.retry import Outcome
from delivery_svc.sending.exchange import ErrorClass, Exchange
from delivery_svc.store import census, lane
from delivery_svc.store.lane import Sign
from tests.support.delivery import DeliveryService, add_subscription, an_event, delivery_service
from tests.support.postgres import Database
from tests.support.receiver import Peer, Receiver, Request

IN_FLIGHT = 4
QUICK: dict[str, Any] = {
    "delivery_lane_limit": IN_FLIGHT,
    "delivery_retry_delays_seconds": ",".join(["0.1"] * 20),
    "delivery_breaker_seconds": 0.5,
    "delivery_breaker_longest_seconds": 1.0,
}
# What a lane holds in a pod goes out within a millisecond when it is refused at once, and more is drawn, until ten failures are
# recorded: that takes as long as Postgres does, but hundreds do not go.
FEW = 100
WHILE_IT_WAS_OPEN = """
select count(*) from delivery.attempt where attempted_at between $1::timestamptz - interval '0.4 seconds' and $1
"""
STATE = """
select failed_attempts, open_until, openings, next_due_at, consecutive_failures from delivery.lane where subscription_id = $1
"""


async def _publish(service: DeliveryService, deliveries: int, job_id: int = 123) -> None:
    for first in range(0, deliveries, 100):
        await service.publish(
            *[an_event(job_id=job_id, run_id=1 + run) for run in range(first, min(first + 100, deliveries))]
        )


async def _row(pool: asyncpg.Pool, key: int) -> asyncpg.Record:
    row = await pool.fetchrow(STATE, key)
    assert row is not None
    return row


async def _until_opened(service: DeliveryService, key: int, openings: int = 1) -> None:
    opened = "select exists (select 1 from delivery.lane where subscription_id = $1 and openings >= $2)"
    async with asyncio.timeout(15):
        while not await service.pool.fetchval(opened, key, openings):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def _closed_port() -> int:
    async with Receiver() as receiver:
        return receiver.port


def _runs(receiver: Receiver) -> Counter[int]:
    return Counter(json.loads(request.body)["data"]["runId"] for request in receiver.requests)


async def test_an_endpoint_that_refuses_is_probed_once_a_period_and_gets_everything_when_it_is_back(
    database: Database,
) -> None:
    port = await _closed_port()
    async with delivery_service(database, **QUICK) as service:
        key, _ = await add_subscription(database, f"http://127.0.0.1:{port}/hook")
        await _publish(service, 500)
        await _until_opened(service, key)
        await asyncio.sleep(0.1)  # what was in flight is recorded
        before = await service.pool.fetchval("select count(*) from delivery.attempt")
        open_until = (await _row(service.pool, key))["open_until"]
        began = time.monotonic()
        await asyncio.sleep(3.0)
        probes = await service.pool.fetchval("select count(*) from delivery.attempt") - before
        meanwhile = await service.pool.fetchval(WHILE_IT_WAS_OPEN, open_until)
        unfinished = await service.pool.fetchval("select count(*) from delivery.queue")
        elapsed = time.monotonic() - began
        counted = await census.count(service.pool)
        assert counted.breakers_open + counted.breakers_half_open == 1
        async with Receiver(port=port) as back:
            await back.request(500)
            await service.drained()
            runs = _runs(back)
        states = await service.pool.fetch("select state, count(*) from delivery.delivery group by state")
        await service.engine.health.tick()
        row = await _row(service.pool, key)
    assert before < FEW
    assert meanwhile == 0
    assert PROBES <= probes <= (2 + elapsed) * PROBES  # after 0.5, 1, 1 ... seconds
    assert unfinished == 500
    assert (len(runs), set(runs.values())) == (500, {1})
    assert [tuple(state) for state in states] == [("SUCCEEDED", 500)]
    assert tuple(row) == (0, None, 0, None, 0)


async def test_an_endpoint_that_never_answers_keeps_neither_slots_nor_its_neighbours(database: Database) -> None:
    async def never(peer: Peer, request: Request) -> None:
        await peer.closed_by_client()

    settings = {**QUICK, "delivery_timeout_seconds": 0.5, "delivery_slots": 16, "delivery_breaker_seconds": 2.0}
    settings["delivery_breaker_longest_seconds"] = 2.0
    async with Receiver(never) as dead, Receiver() as healthy, delivery_service(database, **settings) as service:
        key, _ = await add_subscription(database, dead.url, job_ids=[1])
        await add_subscription(database, healthy.url, job_ids=[2])
        await _publish(service, 500, job_id=1)
        await _until_opened(service, key)
        await asyncio.sleep(0.6)  # what was in flight has timed out
        before = len(dead.requests)
        parked = await service.pool.fetchval("select count(*) from delivery.queue where parked")
        assert service.engine.dispatcher.in_flight == 0
        await _publish(service, 200, job_id=2)
        async with asyncio.timeout(3):
            await healthy.request(200)
        await asyncio.sleep(3.0)
        probes = len(dead.requests) - before
    assert before <= 10 + 2 * IN_FLIGHT
    assert PROBES <= probes <= 3 * PROBES
    assert parked >= 480
    assert set(_runs(healthy).values()) == {1}


async def test_two_pods_probe_once(database: Database) -> None:
    port = await _closed_port()
    settings = {**QUICK, "delivery_breaker_seconds": 1.0, "delivery_breaker_longest_seconds": 1.0}
    async with (
        delivery_service(database, name="one", **settings) as one,
        delivery_service(database, name="two", **settings) as two,
    ):
        key, _ = await add_subscription(database, f"http://127.0.0.1:{port}/hook")
        await asyncio.gather(_publish(one, 100), _publish(two, 100))
        await _until_opened(one, key)
        await asyncio.sleep(0.5)
        began = await one.pool.fetchval("select max(attempted_at) from delivery.attempt")
        await asyncio.sleep(4.0)
        rows = await one.pool.fetch(
            "select attempted_at from delivery.attempt where attempted_at > $1 order by 1", began
        )
        async with Receiver(port=port) as back:
            await back.request(200)
            await two.drained()
            events = Counter(json.loads(request.body)["eventId"] for request in back.requests)
    times = [row["attempted_at"] for row in rows]
    probes = [times[first : first + PROBES] for first in range(0, len(times), PROBES)]
    assert 2 <= len(probes) <= 4
    assert all(later[0] - earlier[-1] >= timedelta(seconds=1) for earlier, later in pairwise(probes))
    assert (len(events), set(events.values())) == (200, {1})


async def test_an_endpoint_that_fails_half_of_the_time_never_opens_it(database: Database) -> None:
    chance = random.Random(4)
    answers = [code for _ in range(400) for code in chance.sample((200, 200, 500, 500), 4)]
    async with Receiver(*answers, 200) as receiver, delivery_service(database, **QUICK) as service:
        key, _ = await add_subscription(database, receiver.url)
        await _publish(service, 300)
        await service.drained()
        await service.engine.recorder.idle()
        await service.engine.health.tick()
        row = await _row(service.pool, key)
        failing = await service.pool.fetchval("select failing_since from delivery.lane")
    assert (row["open_until"], row["openings"], failing) == (None, 0, None)
    assert len(receiver.requests) > 400


async def test_a_restart_leaves_it_open(database: Database) -> None:
    port = await _closed_port()
    settings = {**QUICK, "delivery_breaker_seconds": 3.0, "delivery_breaker_longest_seconds": 3.0}
    async with delivery_service(database, name="one", **settings) as one:
        key, _ = await add_subscription(database, f"http://127.0.0.1:{port}/hook")
        await _publish(one, 50)
        await _until_opened(one, key)
    async with Receiver(port=port) as back, delivery_service(database, name="two", **settings) as two:
        opened = await _row(two.pool, key)
        await _publish(two, 10)
        await asyncio.sleep(0.5)
        early = len(back.requests)
        await back.request(60)
        await two.drained()
        first = await two.pool.fetchval(
            "select min(attempted_at) from delivery.attempt where outcome = 'succeeded' and subscription_id = $1", key
        )
    assert early == 0
    assert first >= opened["open_until"]
    assert len({json.loads(request.body)["eventId"] for request in back.requests}) == 60


async def test_a_retry_that_falls_due_meanwhile_waits_and_uses_no_attempt_up(database: Database) -> None:
    settings = {**QUICK, "delivery_retry_delays_seconds": "0.1", "delivery_breaker_failures": 1}
    settings |= {"delivery_breaker_seconds": 1.5, "delivery_retry_jitter": 0}
    async with Receiver(500, 200) as receiver, delivery_service(database, **settings) as service:
        key, _ = await add_subscription(database, receiver.url)
        await service.publish(an_event())
        await receiver.request(1)
        await service.engine.recorder.idle()
        await service.engine.health.tick()
        async with asyncio.timeout(5):
            while not await service.pool.fetchval("select bool_and(parked) from delivery.queue"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        waiting = await service.pool.fetchval("select attempts from delivery.queue")
        opened = await _row(service.pool, key)
        await service.drained()
        made = await service.pool.fetch("select number, attempted_at from delivery.attempt order by number")
    assert waiting == 1
    assert [row["number"] for row in made] == [1, 2]
    assert made[1]["attempted_at"] >= opened["open_until"]


async def test_failed_deliveries_count_and_probes_among_them(database: Database) -> None:
    port = await _closed_port()
    settings = {**QUICK, "delivery_retry_delays_seconds": ""}
    async with delivery_service(database, **settings) as service:
        key, _ = await add_subscription(database, f"http://127.0.0.1:{port}/hook")
        await _publish(service, 100)
        await _until_opened(service, key, openings=3)
        await service.engine.recorder.idle()
        await service.engine.health.tick()
        failed = await service.pool.fetchval("select count(*) from delivery.delivery where state = 'FAILED'")
        row = await service.pool.fetchrow(
            "select consecutive_failures, failed_attempts, failing_since from delivery.lane where subscription_id = $1",
            key,
        )
    assert row is not None
    assert failed >= 12
    assert row["failing_since"] is not None
    assert abs(row["consecutive_failures"] - failed) <= PROBES  # a probe may have ended between the two looks
    assert row["failed_attempts"] == row["consecutive_failures"]


async def test_who_pauses_and_revives_gets_a_closed_one(database: Database) -> None:
    port = await _closed_port()
    settings = {**QUICK, "delivery_breaker_seconds": 60.0, "delivery_breaker_longest_seconds": 60.0}
    async with delivery_service(database, **settings) as service:
        key, _ = await add_subscription(database, f"http://127.0.0.1:{port}/hook")
        await _publish(service, 50)
        await _until_opened(service, key)
        await asyncio.sleep(0.5)  # what was in flight is noted
        await _as_owner(database, "update subscription.subscription set active = false, version = version + 1")
        await lane.forgive_paused(service.pool)
        await service.drained()  # what waited is cancelled at once
        await _as_owner(database, "update subscription.subscription set active = true, version = version + 1")
        async with Receiver(port=port) as back:
            await service.publish(an_event())
            await back.request(1)
            await service.drained()
        states = await service.pool.fetch("select state, count(*) from delivery.delivery group by state order by state")
    assert [tuple(row) for row in states] == [("CANCELLED", 50), ("SUCCEEDED", 1)]


@pytest.mark.parametrize(("seen_open", "ticks"), [(True, 1), (False, TICKS_IN_NO_HURRY)])
async def test_what_a_probe_found_is_noted_at_once_and_what_does_well_is_in_no_hurry(
    database: Database, seen_open: bool, ticks: int
) -> None:
    policy = BreakerPolicy(failures=1, shortest=2.0, longest=35.0)
    async with asyncpg.create_pool(database.delivery_url, min_size=1, max_size=1) as pool:
        await lane.note_health(pool, {1: Sign(began_us=1, failed_attempts=1)}, policy)
        reopened: list[int] = []
        health = Health(
            pool,
            policy,
            shut=lambda seconds: None,
            reopen=reopened.extend,
            is_shut={1: seen_open}.__getitem__,
            wake=lambda: None,
        )
        health.note(_succeeded(1))
        needed = 0
        while not reopened:
            await health.tick_soon()
            needed += 1
    assert (reopened, needed) == ([1], ticks)


@pytest.mark.parametrize("seed", range(4))
async def test_the_row_follows_the_rule(database: Database, seed: int) -> None:
    """store/lane.py:NOTE_HEALTH against breaker.py:after, over moments of every kind."""
    chance = random.Random(seed)
    policy = BreakerPolicy(failures=4, shortest=2.0, longest=35.0)
    breaker = Breaker()
    async with asyncpg.create_pool(database.delivery_url, min_size=1, max_size=1) as pool:
        for _ in range(60):
            if breaker.open_until is not None and chance.random() < 0.6:  # its time passes
                await pool.execute("update delivery.lane set open_until = clock_timestamp() - interval '1 second'")
            now = float(await pool.fetchval("select extract(epoch from clock_timestamp())::float8"))
            until = await pool.fetchval("select extract(epoch from open_until)::float8 from delivery.lane")
            breaker = Breaker(failed_attempts=breaker.failed_attempts, open_until=until, openings=breaker.openings)
            began = now - chance.choice([0.2, 4.0])
            recovered, failed = chance.random() < 0.1, chance.randrange(3)
            sign = Sign(began_us=int(began * 1_000_000), recovered=recovered, failed_attempts=failed)
            await lane.note_health(pool, {1: sign}, policy)
            breaker = after(breaker, recovered=recovered, failed=failed, began=began, now=now, policy=policy)
            row = await pool.fetchrow(
                "select failed_attempts, openings, extract(epoch from open_until)::float8 as until from delivery.lane"
            )
            assert row is not None
            assert (row["failed_attempts"], row["openings"]) == (breaker.failed_attempts, breaker.openings)
            assert row["until"] == (None if breaker.open_until is None else pytest.approx(breaker.open_until, abs=2.0))


def _succeeded(subscription_id: int) -> Settled:
    """A delivery's success at its first attempt."""
    profile = replace(NO_PROFILE, subscription_id=subscription_id)
    event = Event("wev_1", 1, "job.run.completed", 1, 0, b"{}", None)
    delivery = Delivery(id=1, event=event, profile=profile, webhook_name="", published_us=0, attempts=0, epoch=1)
    exchange = Exchange(204, ErrorClass.NONE, "", None, b"", 0.01)
    attempt = Attempt(id=1, number=1, began_us=2, outcome=Outcome.SUCCEEDED, exchange=exchange)
    return Settled(delivery, attempt, state="SUCCEEDED")


async def _as_owner(database: Database, statement: str) -> None:
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
