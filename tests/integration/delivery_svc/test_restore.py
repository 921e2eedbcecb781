"""A database that is set back to an earlier moment, as a point-in-time restore does: what docs/runbook.md says comes of it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from tests.support.delivery import add_subscription, an_event, delivery_service
from tests.support.postgres import Cluster, Database
from tests.support.receiver import Peer, Receiver, Request

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def as_of_now(cluster: Cluster, database: Database) -> AsyncIterator[Database]:
    """A copy of the database as it is at this moment, sequences included. Whoever uses the original is cut off meanwhile."""
    copy = await cluster.create(migrated=False)
    admin = await asyncpg.connect(cluster.admin_url)
    try:
        await admin.execute(f"drop database {copy.name}")
        await admin.execute(f"alter database {database.name} with allow_connections false")
        await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", database.name)
        await admin.execute(f"create database {copy.name} template {database.name}")
        await admin.execute(f"alter database {database.name} with allow_connections true")
        yield copy
        await cluster.drop(copy)
    finally:
        await admin.close()


async def _move_sequences_on(database: Database) -> None:
    """By the statement of the runbook."""
    [statement] = re.findall(r"^do \$\$.*?^end \$\$;", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE | re.DOTALL)
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_after_a_restore_what_was_under_way_goes_again_and_what_came_later_is_not_known(
    cluster: Cluster, database: Database
) -> None:
    """Leases of pods that are no more are taken over; a request id from after the moment is a new event under a new id."""
    answer = asyncio.Event()

    async def late(peer: Peer, request: Request) -> None:
        await answer.wait()
        await peer.answer(200)

    async with Receiver(late, 200) as receiver:
        await add_subscription(database, receiver.url)
        async with delivery_service(database, name="before", delivery_dead_after_seconds=60) as before:
            [under_way] = await before.publish(an_event(request_id="before"))
            await receiver.request(1)
            async with as_of_now(cluster, database) as restored:
                await _move_sequences_on(restored)
                answer.set()
                await before.drained()
                [lost] = await before.publish(an_event(request_id="after"))
                await before.drained()
                told = len(receiver.requests)
                async with delivery_service(restored, name="after") as after:
                    again = await receiver.request(told + 1)
                    await after.drained()
                    ids = await after.publish(an_event(request_id="before"), an_event(request_id="after"))
                    renewed = await receiver.request(told + 2)
                    await after.drained()
                    next_id = await after.pool.fetchval("select nextval('delivery.delivery_id')")
    assert next_id > 1_000_000
    assert again.headers["webhook-id"] == under_way
    assert ids[0] == under_way
    assert renewed.headers["webhook-id"] == ids[1] != lost
    assert [one.headers["webhook-id"] for one in receiver.requests[:told]] == [under_way, lost]
