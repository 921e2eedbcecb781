"""One account's flood is not the others' wait: real Postgres, a pod of few slots, one account with two thousand lanes.

What is counted is what goes first, not seconds: those are the machine's.
"""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg
import grpc
import pytest

from tests.support.delivery import (
    KEY_RING,
    SECRET,
    DeliveryService,
    add_account,
    add_subscription,
    an_event,
    delivery_service,
)
from tests.support.postgres import Database
from tests.support.receiver import Peer, Receiver, Request

FLOODING, QUIET = 1, 2
SLOTS = 64
LANES = 2000
MADE = """
with made as (
    insert into subscription.subscription (public_id, account_id, name, description, job_ids, event_types, client_url, active)
    select 'wsu_' || lpad(n::text, 27, '0'), $1, 'flood', '', array[n], array['job.run.completed'], $2, true
      from generate_series(1, $3::int) n
    returning id, job_ids[1] as job_id
)
insert into subscription.interest (account_id, event_type, job_id, subscription_id)
select $1, 'job.run.completed', m.job_id, m.id from made m
returning subscription_id
"""
SIGNED = "insert into subscription.signing_secret (subscription_id, sealed) values ($1, $2)"


async def _add_lanes(database: Database, url: str) -> None:
    await add_account(database, FLOODING)
    connection = await asyncpg.connect(database.owner_url)
    try:
        keys = [row["subscription_id"] for row in await connection.fetch(MADE, FLOODING, url, LANES)]
        sealed = [(key, KEY_RING.seal(SECRET.encode(), f"signing_secret:{key}")) for key in keys]
        await connection.executemany(SIGNED, sealed)
    finally:
        await connection.close()


async def _flood(service: DeliveryService, stop: asyncio.Event) -> None:
    """As fast as it is taken, over all lanes in turn, up to a backlog that outlasts the test."""
    job = 0
    for _ in range(40):
        if stop.is_set():
            return
        events = [an_event(job_id=1 + (job + number) % LANES, account_id=FLOODING) for number in range(500)]
        job += 500
        with suppress(grpc.aio.AioRpcError):
            await service.publish(*events)


@pytest.mark.parametrize("answer_seconds", [0.2, 2.0])
async def test_an_event_now_and_then_finds_a_free_slot_beside_a_flood_of_two_thousand_lanes(
    database: Database, answer_seconds: float
) -> None:
    async def slowly(peer: Peer, request: Request) -> None:
        await asyncio.sleep(answer_seconds)
        await peer.answer(200)

    settings: dict[str, Any] = {"delivery_slots": SLOTS, "delivery_heartbeat_seconds": 0.5, "grace_seconds": 6}
    in_flight, overtaken_by = [], []
    async with (
        Receiver(slowly) as flooded,
        Receiver() as quiet,
        delivery_service(database, **settings) as service,
    ):
        await add_subscription(database, quiet.url, account_id=QUIET)
        await _add_lanes(database, flooded.url)
        stop = asyncio.Event()
        await service.publish(an_event(account_id=QUIET))
        await quiet.request(1)
        flood = asyncio.create_task(_flood(service, stop))
        for number in range(2, 12):
            await asyncio.sleep(0.4)
            in_flight.append(service.engine.dispatcher.in_flight)
            await service.publish(an_event(account_id=QUIET))
            already = len(flooded.requests)
            await quiet.request(number)
            overtaken_by.append(len(flooded.requests) - already)
        waiting = await service.pool.fetchval("select count(*) from delivery.queue")
        stop.set()
        await flood
        connection = await asyncpg.connect(database.owner_url)
        await connection.execute("delete from delivery.queue")
        await connection.close()
    print("in flight:", in_flight, "went before a quiet event:", overtaken_by, "waiting:", waiting)
    assert waiting > 5_000  # it was a flood
    assert SLOTS * 3 // 4 <= max(in_flight) < SLOTS  # the pod was in full use, and a slot was free all the same
    assert max(overtaken_by) < SLOTS  # fewer than are under way at once
