"""The database is migrated to a newer release while processes of the older one deliver: they go on, and nothing is lost."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import grpc

from chassis.caller import CREDENTIAL_KEY
from chassis.migrations import FailedMigration, Migration, migrate, read_migrations
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from schema import MIGRATIONS
from tests.support.delivery import CREDENTIAL, add_subscription, an_event
from tests.support.postgres import Database
from tests.support.receiver import Receiver
from tests.support.service_process import free_port, running

BATCH = 10
# As a release expands: nullable columns in every table that processes write, and a table of its own.
NEWER = """
alter table delivery.event add column newer text;
alter table delivery.queue add column newer bigint;
alter table delivery.delivery add column newer text;
alter table delivery.attempt add column newer jsonb;
alter table delivery.lane add column newer timestamptz;
alter table delivery.pod add column newer text;
alter table delivery.publish_request add column newer text;
alter table subscription.subscription add column newer text;
alter table subscription.signing_secret add column newer text;
create table delivery.newer (id bigint primary key, event_id text collate "C");
"""


class Publisher:
    """Publishes until told to stop; `refused` has the codes of calls that were not answered OK."""

    def __init__(self, port: int) -> None:
        self.acknowledged: list[str] = []
        self.refused: Counter[str] = Counter()
        self.stopped = False
        self._port = port

    async def run(self, number: int) -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self._port}") as channel:
            stub = DeliveryServiceStub(channel)
            batch = 0
            while not self.stopped:
                batch += 1
                events = [an_event(request_id=f"{number}-{batch}-{index}") for index in range(BATCH)]
                try:
                    answer = await stub.PublishEvents(
                        pb.PublishEventsRequest(events=events), timeout=10, metadata=((CREDENTIAL_KEY, CREDENTIAL),)
                    )
                    self.acknowledged += answer.event_ids
                except grpc.aio.AioRpcError as error:
                    self.refused[error.code().name] += 1
                await asyncio.sleep(0.02)


async def _upgrade(database: Database, release: Sequence[Migration]) -> None:
    """As the init step of a deployment does it: again, where those who work were in its way."""
    while True:
        try:
            await migrate(database.owner_url, release)
            return
        except FailedMigration as error:
            if "run it again" not in str(error):
                raise


async def test_old_processes_go_on_beside_a_newer_schema(database: Database, tmp_path: Path) -> None:
    (tmp_path / "ring").write_text("k1:" + base64.b64encode(bytes(range(32))).decode())
    (tmp_path / "credential").write_text(CREDENTIAL)
    settings: dict[str, object] = {
        "DATABASE_URL": database.delivery_url,
        "GRPC_ADDRESS": f"127.0.0.1:{(port := free_port())}",
        "KEY_RING_FILE": tmp_path / "ring",
        "SERVICE_CREDENTIAL_FILE": tmp_path / "credential",
        "POD_NAME": "pod-1",
        "DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8",
        "DELIVERY_RETRY_DELAYS_SECONDS": "0.2,0.2,0.2",
        "DELIVERY_BREAKER_FAILURES": 0,
    }
    known = read_migrations(MIGRATIONS)
    publisher = Publisher(port)
    async with Receiver(*[500] * 20, 200) as receiver, running("delivery_svc", settings) as old:
        await add_subscription(database, receiver.url)
        tasks = [asyncio.create_task(publisher.run(number)) for number in range(3)]
        await receiver.request(200)
        await _upgrade(database, [*known, Migration(version=len(known) + 1, name="newer", sql=NEWER)])
        await receiver.request(len(receiver.requests) + 300)
        publisher.stopped = True
        await asyncio.gather(*tasks)
        assert await old.stop() == 0
        await old.start()  # a process of the old release may also begin beside the newer schema
        async with asyncio.timeout(30):
            while not set(publisher.acknowledged) <= {json.loads(one.body)["eventId"] for one in receiver.requests}:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert await old.stop() == 0
    assert set(publisher.refused) <= {"UNAVAILABLE"}
