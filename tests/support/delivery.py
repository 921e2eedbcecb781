"""delivery_svc inside a test: the real engine over a real database, its gRPC door, and subscriptions to deliver to."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
import grpc

from chassis.caller import CREDENTIAL_KEY, Callers
from chassis.clock import DatabaseClock
from chassis.ids import ksuid
from chassis.keyring import KeyRing
from delivery_svc.engine import Engine
from delivery_svc.servicer import DeliveryServicer
from delivery_svc.settings import DeliverySettings
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1 import event_pb2
from runhook.delivery.v1.delivery_service_pb2_grpc import (
    DeliveryServiceStub,
    add_DeliveryServiceServicer_to_server,
)
from tests.support.grpc_peer import serving
from tests.support.postgres import Database

if TYPE_CHECKING:
    from runhook.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceAsyncStub

ACCOUNT = 1
CREDENTIAL = "the-service-credential-of-the-tests-0123456789"
SECRET = "0123456789abcdef0123456789abcdef01234567"
KEY_RING = KeyRing({"k1": bytes(range(32))})
ALL_TYPES = ("job.run.started", "job.run.completed", "job.run.errored")


@dataclass(frozen=True, kw_only=True)
class DeliveryService:
    """A running one: `publish` speaks gRPC with the service credential, `engine` is what runs behind it."""

    engine: Engine
    stub: "DeliveryServiceAsyncStub"
    pool: asyncpg.Pool
    target: str

    async def publish(self, *events: event_pb2.Event) -> list[str]:
        """Publishes a batch. Returns its event ids."""
        answer = await self.stub.PublishEvents(
            pb.PublishEventsRequest(events=events), timeout=20, metadata=((CREDENTIAL_KEY, CREDENTIAL),)
        )
        return list(answer.event_ids)

    async def drained(self) -> None:
        """Returns when no delivery is unfinished."""
        async with asyncio.timeout(30):
            while await self.pool.fetchval("select exists (select 1 from delivery.queue)"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@asynccontextmanager
async def delivery_service(
    database: Database, *, name: str = "pod-1", **settings: Any
) -> AsyncIterator[DeliveryService]:
    """Runs an engine with quick retries and heartbeats. `settings` are fields of DeliverySettings."""
    values = {
        "database_url": database.delivery_url,
        "pod_name": name,
        "delivery_allowed_networks": "127.0.0.0/8,::1/128",
        "delivery_retry_delays_seconds": "0.05,0.05,0.05",
        "delivery_heartbeat_seconds": 0.3,
        "delivery_dead_after_seconds": 4.0,
        "delivery_claim_seconds": 0.02,
        "grace_seconds": 10,
        **settings,
    }
    made = DeliverySettings.model_validate(values)
    async with asyncpg.create_pool(database.delivery_url, min_size=1, max_size=8) as pool:
        engine = Engine(made, pool, DatabaseClock(), KEY_RING)
        await engine.start()
        servicer = DeliveryServicer(pool, Callers(pool, CREDENTIAL), engine)
        stopped = asyncio.Event()
        async with (
            asyncio.TaskGroup() as group,
            serving(lambda s: add_DeliveryServiceServicer_to_server(servicer, s)) as target,
        ):
            for loop in engine.loops:
                group.create_task(loop.run(stopped))
            async with grpc.aio.insecure_channel(target) as channel:
                yield DeliveryService(engine=engine, stub=DeliveryServiceStub(channel), pool=pool, target=target)
            await engine.drain()
            stopped.set()
        await engine.stop()


async def add_account(database: Database, account_id: int = ACCOUNT) -> None:
    """An account, if it is not there."""
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute(
            "insert into subscription.account (account_id, public_id, name) values ($1, $2, 'Test') on conflict do nothing",
            account_id,
            "act_" + ksuid(1_700_000_000),
        )
    finally:
        await connection.close()


async def add_subscription(
    database: Database,
    client_url: str,
    *,
    account_id: int = ACCOUNT,
    name: str = "test",
    event_types: Sequence[str] = ALL_TYPES,
    job_ids: Sequence[int] = (),
    secret: str = SECRET,
) -> tuple[int, str]:
    """A subscription as subscription_svc stores it. Returns its inner key and its public id."""
    await add_account(database, account_id)
    public_id = "wsu_" + ksuid(1_700_000_000)
    connection = await asyncpg.connect(database.owner_url)
    try:
        key: int = await connection.fetchval(
            "insert into subscription.subscription (public_id, account_id, name, description, job_ids, event_types, client_url,"
            " active) values ($1, $2, $3, '', $4, $5, $6, true) returning id",
            public_id,
            account_id,
            name,
            list(job_ids),
            list(event_types),
            client_url,
        )
        await connection.execute(
            "insert into subscription.signing_secret (subscription_id, sealed) values ($1, $2)",
            key,
            KEY_RING.seal(secret.encode(), f"signing_secret:{key}"),
        )
        await connection.executemany(
            "insert into subscription.interest (account_id, event_type, job_id, subscription_id) values ($1, $2, $3, $4)",
            [(account_id, kind, job_id, key) for kind in set(event_types) for job_id in (job_ids or (0,))],
        )
    finally:
        await connection.close()
    return key, public_id


def an_event(
    event_type: str = "job.run.completed",
    *,
    job_id: int = 123,
    run_id: int = 12345,
    request_id: str = "",
    account_id: int = ACCOUNT,
) -> event_pb2.Event:
    """A well-formed event."""
    event = event_pb2.Event(account_id=account_id, event_type=event_type, request_id=request_id)
    event.event_time.FromJsonString("2023-01-31T19:29:35.789265936Z")
    run = event.job_run
    run.job_id, run.job_name, run.run_id = job_id, "Daily Job (dbt build)", run_id
    run.environment_id, run.environment_name, run.dbt_version = 1234, "Production", "1.0.0"
    run.project_name, run.project_id = "Snowflake Github Demo", 167194
    run.run_status = event_pb2.RUN_STATUS_SUCCESS
    run.run_reason = "Kicked off from UI by test@test.com"
    run.run_start_time.FromJsonString("2023-01-31T19:28:07Z")
    if event_type != "job.run.started":
        run.run_finish_time.FromJsonString("2023-01-31T19:29:32Z")
    return event
