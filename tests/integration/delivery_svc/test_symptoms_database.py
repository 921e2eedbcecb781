"""What users of such services report of the database: work that lies after a reconnect, tables that grow for ever."""

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import grpc
import psutil

from chassis.clock import EPOCH
from chassis.ids import ksuid
from delivery_svc.event import Event
from delivery_svc.recovery import NewRecovery
from delivery_svc.store import publishing, recovery
from delivery_svc.store.publishing import Room
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from standalone import binaries
from standalone.postgres import Postgres
from tests.support.delivery import ACCOUNT, add_subscription, an_event, delivery_service
from tests.support.delivery_process import CALLER, settings
from tests.support.postgres import Cluster, Database, running_server
from tests.support.receiver import Peer, Receiver, Request
from tests.support.recovery import fill
from tests.support.service_process import ServiceProcess, free_port

if TYPE_CHECKING:
    from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceAsyncStub

AWAY_SECONDS = 3.0
SOON_SECONDS = 15.0
EVENTS, BATCH = 50_000, 500
HALF_OPEN = """
insert into delivery.lane (subscription_id, next_due_at, open_until, openings, failed_attempts)
values ($1, clock_timestamp() + interval '15 seconds', clock_timestamp() - interval '1 second', 1, 10)
"""
SIZES = """
select (select count(*) from delivery.queue) as rows, (select count(*) from delivery.attempt) as attempts,
       pg_relation_size('delivery.queue') as queue, pg_relation_size('delivery.queue_due') as due,
       pg_relation_size('delivery.queue_parked') as parked, pg_relation_size('delivery.queue_tried') as tried,
       pg_total_relation_size('delivery.lane') as lane
"""


async def test_a_wake_up_is_lost_when_the_database_comes_back() -> None:
    """The symptom: what waited is sent with the next publish, however long that takes."""
    manager = running_server(binaries.find(os.environ))
    server = await asyncio.to_thread(manager.__enter__)
    try:
        cluster = Cluster(server)
        await cluster.make_template()
        await _restart(server, await cluster.create())
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


async def _restart(server: Postgres, database: Database) -> None:
    released = asyncio.Event()

    async def when_released(peer: Peer, request: Request) -> None:
        await released.wait()
        await peer.answer(200)

    quick: dict[str, Any] = {"delivery_lane_limit": 1, "delivery_retry_delays_seconds": "2", "delivery_retry_jitter": 0}
    async with (
        Receiver(when_released) as slow,
        Receiver(500, 200) as moody,
        Receiver() as other,
        delivery_service(database, **quick) as service,
    ):
        for job, receiver in enumerate((slow, moody, other), start=1):
            await add_subscription(database, receiver.url, job_ids=[job])
        await service.publish(*[an_event(job_id=1, run_id=1 + run) for run in range(10)])  # most of them are parked
        await service.publish(an_event(job_id=2))
        await slow.request(1)
        await moody.request(1)
        await service.engine.recorder.idle()  # its retry falls due while the database is away
        await server.stop()
        released.set()
        await asyncio.sleep(AWAY_SECONDS)
        await server.start()
        await _commit_elsewhere(database, service.engine.beater.epoch)
        async with asyncio.timeout(SOON_SECONDS):
            await slow.request(10)
            await moody.request(2)
            await other.request(1)
            await service.drained()
    assert len({json.loads(request.body)["eventId"] for request in slow.requests}) == 10


async def test_a_recovery_probes_a_dead_endpoint_again_and_again(database: Database) -> None:
    """The symptom: every batch that is put back makes the lane due, although its breaker waits for the probe that is out."""
    key, _ = await add_subscription(database, "http://127.0.0.1:1/")
    await fill(database, key, 10)
    async with asyncpg.create_pool(database.delivery_url, min_size=1, max_size=2) as pool:
        await pool.execute(HALF_OPEN, key)
        before = await pool.fetchval("select next_due_at from delivery.lane")
        until = datetime.now(UTC) + timedelta(days=1)
        wish = NewRecovery(
            account_id=ACCOUNT,
            subscription_id="",
            published_after=EPOCH,
            published_before=until,
            event_type=None,
            job_id=None,
        )
        assert await recovery.insert(pool, key, wish, until, 10)
        _, moved = await recovery.step(pool, 0, recovery.Limits(batch=20, parked=1000)) or (0, 0)
        after = await pool.fetchval("select next_due_at from delivery.lane")
    assert moved == 10
    assert after == before


async def _commit_elsewhere(database: Database, epoch: int) -> None:
    """An event that another pod published and had no room for."""
    connection = await asyncpg.connect(database.delivery_url)
    try:
        event = Event("wev_" + ksuid(1_700_000_000), ACCOUNT, "job.run.completed", 3, 0, b"{}")
        await publishing.store(connection, [event], Room(epoch=epoch, total=0, lane=2, lanes={}))
    finally:
        await connection.close()


async def test_a_dead_endpoint_makes_everything_grow(database: Database, tmp_path: Path) -> None:
    """The symptom: memory, queue and indexes grow with every retry of what cannot be delivered, and vacuum finds nothing."""
    port = free_port()
    service = ServiceProcess("delivery_svc", settings(database, tmp_path, port, "pod-1"))
    await add_subscription(database, f"http://127.0.0.1:{free_port()}/")
    await service.start()
    connection = await asyncpg.connect(database.owner_url)
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = DeliveryServiceStub(channel)
            await _publish(stub, EVENTS // 5)
            early = _memory(service)
            await _publish(stub, EVENTS - EVENTS // 5)
        late, sizes = _memory(service), await _sizes(connection)
        await asyncio.sleep(3.0)  # probes, beats, health
        later = await _sizes(connection)
        await connection.execute("delete from delivery.queue where id % 2 = 0")
        await _vacuumed(connection)
    finally:
        await connection.close()
        assert await service.stop() == 0
    assert sizes["rows"] == EVENTS
    assert later["rows"] == EVENTS
    assert later["attempts"] < 200  # until it opened, then a few at each probe
    assert late - early < 16 * 2**20
    assert later["due"] <= 128 * 1024  # parked rows are not in the index that claims walk
    assert all(later[name] <= sizes[name] * 1.02 for name in ("queue", "parked"))  # a page or two for its probes
    assert later["lane"] < 256 * 1024


async def _publish(stub: "DeliveryServiceAsyncStub", events: int) -> None:
    request = pb.PublishEventsRequest(events=[an_event(run_id=1 + run) for run in range(BATCH)])
    for _ in range(events // BATCH):
        await stub.PublishEvents(request, timeout=20, metadata=CALLER)


def _memory(service: ServiceProcess) -> int:
    resident: int = psutil.Process(service.pid).memory_info().rss
    return resident


async def _sizes(connection: asyncpg.Connection) -> asyncpg.Record:
    row = await connection.fetchrow(SIZES)
    assert row is not None
    return row


async def _vacuumed(connection: asyncpg.Connection) -> None:
    """Returns when vacuum has taken all dead rows away: nobody holds a snapshot for longer than a statement."""
    dead = "select pg_stat_get_dead_tuples('delivery.queue'::regclass) from pg_stat_force_next_flush()"
    async with asyncio.timeout(15):
        while True:
            await connection.execute("vacuum delivery.queue")
            if not await connection.fetchval(dead):
                return
            await asyncio.sleep(0.5)
