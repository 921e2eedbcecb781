"""The platform as faults meet it: an embedded Postgres, two pods of delivery_svc, subscription_svc, and one receiver.

Invariant: everything that was started is ended with the block, whatever happened in it; all of it is on loopback.
"""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import grpc

from bench.payload import EVENT_TYPE, Load, subscription_name
from chassis.migrations import Migration, migrate, read_migrations
from runhook.subscription.v1.subscription_pb2 import Subscription
from runhook.subscription.v1.subscription_service_pb2 import CreateSubscriptionRequest
from runhook.subscription.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from schema import MIGRATIONS
from schema.roles import ROLES, prepare_roles
from schema.upgrade import upgrade
from standalone.ports import free_ports
from tests.chaos.members import Database, Member
from tests.chaos.plan import PODS, RECEIVER, SUBSCRIPTIONS
from tests.chaos.receiver import TIMEOUT_SECONDS

NAME = "runhook"
ACCOUNT = 4711
FIRST_JOB = 5000
ENDPOINTS = 50
SLOTS = 128
RETRY_DELAY_SECONDS = 2.0
RETRIES = 20
JITTER = 0.2
# An endpoint that fails 30 % of its requests fails a probe as often, and each time is left alone for twice as long. Five
# minutes of that are no loss, but longer than a run can wait.
BREAKER_LONGEST_SECONDS = 10.0
_TOKEN = "the-first-accounts-token-of-the-chaos-run"
_CREDENTIAL = "the-service-credential-of-the-chaos-run-0123456789"
_PASSWORD = "of-the-chaos-run"
# What a later release may do beside running processes: nullable columns in the hot tables, a table of its own with its index.
_NEWER = """
alter table delivery.event add column newer_{version} text;
alter table delivery.queue add column newer_{version} bigint;
alter table delivery.attempt add column newer_{version} jsonb;
alter table delivery.lane add column newer_{version} timestamptz;
alter table subscription.subscription add column newer_{version} text;
create table delivery.newer_{version} (id bigint primary key, event_id text collate "C");
create index newer_{version}_event on delivery.newer_{version} (event_id);
grant select, insert, update, delete on delivery.newer_{version} to runhook_delivery;
"""


@dataclass(frozen=True, kw_only=True)
class House:
    """What runs: `members` by name, the Postgres, and what a publisher needs."""

    members: Mapping[str, Member]
    database: Database
    targets: tuple[str, ...]
    token: str
    load: Load
    log: Path

    @property
    def url(self) -> str:
        """The database, for its owner."""
        return self.database.server.url(NAME)

    async def upgrade(self) -> None:
        """Migrate the database to a release that is not there yet, one version further each time. MigrationError, errors of
        asyncpg."""
        connection = await asyncpg.connect(self.url, timeout=10)
        try:
            newest = await connection.fetchval("select max(version) from runhook.schema_migration")
        finally:
            await connection.close()
        known = read_migrations(MIGRATIONS)
        await migrate(self.url, [*known, *(_newer(version) for version in range(len(known) + 1, newest + 2))])

    async def admin(self, statement: str) -> None:
        """Run a statement as the owner, from another database. Errors of asyncpg."""
        connection = await asyncpg.connect(self.database.server.url("postgres"), timeout=10)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@asynccontextmanager
async def running(directory: Path, log_level: str) -> AsyncIterator[House]:
    """The house, ready, with a subscription for each endpoint."""
    os.chmod(directory, 0o755)  # Postgres may run as another user
    async with AsyncExitStack() as stack:
        database = Database(directory)
        stack.push_async_callback(database.end)
        await database.start()
        await _prepare(database)
        addresses = [f"127.0.0.1:{port}" for port in free_ports(7)]
        grpcs, metrics, receiver = addresses[:3], addresses[3:6], addresses[6]
        log = directory / "arrivals.log"
        members = _members(directory, database, grpcs, metrics, receiver, log, log_level)
        for member in members.values():
            stack.push_async_callback(member.end)
        await asyncio.gather(*(member.start() for member in members.values()))
        await _subscribe(grpcs[2], f"http://{receiver}")
        load = Load(account_id=ACCOUNT, first_job_id=FIRST_JOB, endpoints=ENDPOINTS, prefix="chaos")
        yield House(members=members, database=database, targets=tuple(grpcs[:2]), token=_TOKEN, load=load, log=log)


def _newer(version: int) -> Migration:
    return Migration(version=version, name="newer", sql=_NEWER.format(version=version))


async def _prepare(database: Database) -> None:
    connection = await asyncpg.connect(database.server.url("postgres"))
    try:
        await connection.execute(f"create database {NAME}")
    finally:
        await connection.close()
    await upgrade(database.server.url(NAME))
    await prepare_roles(database.server.url(NAME), dict.fromkeys(ROLES, _PASSWORD))


def _members(
    directory: Path,
    database: Database,
    grpcs: list[str],
    metrics: list[str],
    receiver: str,
    log: Path,
    log_level: str,
) -> dict[str, Member]:
    names = (*PODS, SUBSCRIPTIONS)
    made = {}
    for name, address, health in zip(names, grpcs, metrics, strict=True):
        service = f"{name.partition('-')[0]}_svc"
        told = {
            "POD_NAME": name,
            "LOG_LEVEL": log_level,
            "GRPC_ADDRESS": address,
            "METRICS_ADDRESS": health,
            "DATABASE_URL": database.server.url(NAME, role=f"runhook_{name.partition('-')[0]}", password=_PASSWORD),
            **_shared(directory, grpcs),
            **(_of_delivery() if name in PODS else _of_subscription(directory)),
        }
        environment = {f"RUNHOOK_{key}": value for key, value in told.items()}
        made[name] = Member(name, [service], environment, health, directory / f"{name}.log")
    port = receiver.rpartition(":")[2]
    words = ["tests.chaos.receiver", port, str(log)]
    made[RECEIVER] = Member(RECEIVER, words, {}, receiver, directory / "receiver.log", healthz=False)
    return made


def _shared(directory: Path, grpcs: list[str]) -> dict[str, str]:
    ring, credential = directory / "ring", directory / "credential"
    ring.write_text("k1:" + base64.b64encode(bytes(range(32))).decode())
    credential.write_text(_CREDENTIAL)
    return {
        "KEY_RING_FILE": str(ring),
        "SERVICE_CREDENTIAL_FILE": str(credential),
        "SUBSCRIPTION_SVC": grpcs[2],
        "GRACE_SECONDS": "5",
    }


def _of_delivery() -> dict[str, str]:
    return {
        "DELIVERY_SLOTS": str(SLOTS),
        "DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8",
        "DELIVERY_RETRY_DELAYS_SECONDS": ",".join([str(RETRY_DELAY_SECONDS)] * RETRIES),
        "DELIVERY_RETRY_JITTER": str(JITTER),
        "DELIVERY_BREAKER_LONGEST_SECONDS": str(BREAKER_LONGEST_SECONDS),
        "DELIVERY_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
        "DELIVERY_DEACTIVATE_AFTER_FAILURES": "0",
        "DELIVERY_DEACTIVATE_AFTER_SECONDS": "0",
    }


def _of_subscription(directory: Path) -> dict[str, str]:
    token = directory / "token"
    token.write_text(_TOKEN)
    return {"SUBSCRIPTION_FIRST_ACCOUNT_ID": str(ACCOUNT), "SUBSCRIPTION_FIRST_TOKEN_FILE": str(token)}


async def _subscribe(target: str, origin: str) -> None:
    metadata = (("authorization", f"Bearer {_TOKEN}"),)
    async with grpc.aio.insecure_channel(target) as channel:
        stub = SubscriptionServiceStub(channel)
        for endpoint in range(ENDPOINTS):
            wish = Subscription(
                account_id=ACCOUNT,
                name=subscription_name(endpoint),
                event_types=[EVENT_TYPE],
                job_ids=[FIRST_JOB + endpoint],
                client_url=f"{origin}/e/{endpoint}",
                active=True,
            )
            await stub.CreateSubscription(CreateSubscriptionRequest(subscription=wish), metadata=metadata, timeout=10)
