"""What comes behind an open breaker: cancelled rows, redeliveries, recoveries, an endpoint half alive; and our own proxy."""

import asyncio
import time
from typing import Any

import asyncpg

from delivery_svc.breaker import PROBES
from delivery_svc.recovery import BATCH, MOST_PARKED
from tests.support.delivery import DeliveryService, add_subscription, an_event, delivery_service
from tests.support.postgres import Database
from tests.support.receiver import Receiver
from tests.support.recovery import ended, fill, look, recover

QUICK: dict[str, Any] = {
    "delivery_retry_delays_seconds": ",".join(["0.1"] * 20),
    "delivery_breaker_seconds": 0.5,
    "delivery_breaker_longest_seconds": 1.0,
}
MANY = 4 * MOST_PARKED
STATE = """
select failed_attempts, open_until, openings, consecutive_failures, failing_since from delivery.lane where subscription_id = $1
"""


async def _closed_port() -> int:
    async with Receiver() as receiver:
        return receiver.port


async def _publish(service: DeliveryService, deliveries: int) -> None:
    for first in range(0, deliveries, 100):
        await service.publish(*[an_event(run_id=1 + run) for run in range(first, min(first + 100, deliveries))])


async def _until_opened(service: DeliveryService, key: int, openings: int = 1) -> None:
    opened = "select exists (select 1 from delivery.lane where subscription_id = $1 and openings >= $2)"
    async with asyncio.timeout(15):
        while not await service.pool.fetchval(opened, key, openings):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def _as_owner(database: Database, statement: str) -> None:
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_an_endpoint_that_takes_one_of_three_is_open_again_with_the_first_probe_after_an_outage(
    database: Database,
) -> None:
    port = await _closed_port()
    settings = {**QUICK, "delivery_breaker_longest_seconds": 60.0}
    async with delivery_service(database, **settings) as service:
        key, _ = await add_subscription(database, f"http://127.0.0.1:{port}/hook")
        await _publish(service, 60)
        await _until_opened(service, key, openings=2)
        async with Receiver(*(500, 500, 200) * 100, port=port) as back:
            began = time.monotonic()
            await service.drained()
            took = time.monotonic() - began
        states = await service.pool.fetch("select state, count(*) from delivery.delivery group by state")
    assert (
        took < 4.0
    )  # one opening of a second; alone, a first attempt that fails would have doubled it again and again
    assert [tuple(row) for row in states] == [("SUCCEEDED", 60)]
    assert len(back.requests) >= 150


async def test_a_lane_of_cancelled_rows_drains_at_once_although_it_waited_for_a_probe(database: Database) -> None:
    port = await _closed_port()
    async with delivery_service(database, **QUICK) as service:
        key, _ = await add_subscription(database, f"http://127.0.0.1:{port}/hook")
        await _publish(service, 1000)
        await _until_opened(service, key, openings=2)
        broken = "update subscription.subscription set client_url = 'nowhere', version = version + 1"
        await _as_owner(database, broken)
        began = time.monotonic()
        await service.drained()
        took = time.monotonic() - began
        states = await service.pool.fetch("select state, reason, count(*) from delivery.delivery group by 1, 2")
    assert [tuple(row) for row in states] == [("CANCELLED", "client_url_invalid", 1000)]
    assert took < 8.0  # a row per probe took four hours


async def test_a_proxy_that_is_down_counts_against_no_endpoint(database: Database) -> None:
    port = await _closed_port()
    settings = {"delivery_proxy_url": f"http://127.0.0.1:{port}", "delivery_retry_delays_seconds": "0.1"}
    async with Receiver() as receiver, delivery_service(database, **settings) as service:
        key, _ = await add_subscription(database, receiver.url)
        await _publish(service, 100)
        await service.drained()
        await service.engine.recorder.idle()
        await service.engine.health.tick()
        row = await service.pool.fetchrow(STATE, key)
        errors = await service.pool.fetch("select error, count(*) from delivery.attempt group by error")
    assert row is not None
    assert tuple(row) == (0, None, 0, 0, None)
    assert [tuple(error) for error in errors] == [("internal", 200)]


async def test_a_redelivery_to_an_endpoint_that_is_left_alone_waits_for_its_probe(database: Database) -> None:
    port = await _closed_port()
    settings: dict[str, Any] = {
        "delivery_retry_delays_seconds": "",
        "delivery_breaker_seconds": 2.0,
        "delivery_breaker_failures": 5,
    }
    async with delivery_service(database, **settings) as service:
        key, _ = await add_subscription(database, f"http://127.0.0.1:{port}/hook")
        await _publish(service, 5)
        await _until_opened(service, key)
        opened = await service.pool.fetchval("select open_until from delivery.lane where subscription_id = $1", key)
        for delivery_id in range(1, 6):
            await service.engine.redeliverer.redeliver(1, delivery_id)
        await asyncio.sleep(0.3)
        parked = await service.pool.fetchval("select count(*) from delivery.queue where parked")
        async with Receiver(port=port):
            await service.drained()
        first = await service.pool.fetchval("select min(attempted_at) from delivery.attempt where manual")
    assert parked == 5
    assert first >= opened


async def test_a_recovery_of_thousands_into_a_dead_endpoint_stays_bounded_and_ends_when_it_is_back(
    database: Database,
) -> None:
    port = await _closed_port()
    settings = {**QUICK, "delivery_breaker_seconds": 1.0}
    async with delivery_service(database, **settings) as service:
        key, public_id = await add_subscription(database, f"http://127.0.0.1:{port}/hook")
        await fill(database, key, MANY)
        begun = await recover(service, public_id)
        await _until_opened(service, key, openings=2)
        await asyncio.sleep(2.5)  # the recoverer looks several times
        waiting = await service.pool.fetchval("select count(*) from delivery.queue")
        attempts = await service.pool.fetchval("select count(*) from delivery.attempt")
        midway = await look(service, begun.recovery_id)
        held = len(service.engine.dispatcher.held)
        async with Receiver(port=port) as back:
            finished = await ended(service, begun.recovery_id)
            await service.drained()
            ids = {request.headers["webhook-id"] for request in back.requests}
    assert MOST_PARKED <= midway.requeued == waiting <= MOST_PARKED + 2 * BATCH + 60
    assert attempts <= 10 + 2 * 3 * 16 + 5 * PROBES
    assert held <= PROBES
    assert finished.requeued == MANY
    assert len(ids) == len(back.requests) == MANY
