"""What is put into the tables by SQL is what the engine claims, draws and sends, on the schema of today."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from bench import stock
from bench.drain import LEFT
from bench.parts import fairness, kill
from bench.payload import EVENT_TYPE, Load, subscription_name
from delivery_svc.store import lane, queue
from tests.support.delivery import ACCOUNT, add_subscription
from tests.support.postgres import Database

Connections = tuple[asyncpg.Connection, asyncpg.Connection]
LOAD = Load(account_id=ACCOUNT, first_job_id=1_000_000_000, endpoints=2, prefix="t")


@pytest.fixture
async def connections(database: Database) -> AsyncIterator[Connections]:
    """The owner's and the delivery role's."""
    owner, role = await asyncpg.connect(database.owner_url), await asyncpg.connect(database.delivery_url)
    yield owner, role
    await owner.close()
    await role.close()


async def test_a_stock_is_due_at_once_in_turn_over_its_subscriptions(
    database: Database, connections: Connections
) -> None:
    owner, role = connections
    ids = [(await add_subscription(database, f"http://127.0.0.1:1/{number}"))[1] for number in range(2)]
    lanes = await stock.numbers(owner, ids)
    await stock.lay_in(owner, LOAD, lanes, 11)
    rows = await role.fetch(queue.CLAIM, 7, 100, None)
    assert [row["subscription_id"] for row in rows] == [lanes[number % 2] for number in range(11)]
    assert [row["webhook_name"] for row in rows[:2]] == [subscription_name(0), subscription_name(1)]
    assert {(row["event_type"], bytes(row["data"])) for row in rows} == {(EVENT_TYPE, stock.data_of(LOAD))}
    assert dict(*await owner.fetch(LEFT)) == {"rows": 11, "leased": 11, "parked": 0, "attempts": 0}


async def test_a_parked_stock_is_drawn_unless_its_lane_is_held(database: Database, connections: Connections) -> None:
    owner, role = connections
    lane_id, _ = await add_subscription(database, "http://127.0.0.1:1/")
    await stock.lay_in(owner, LOAD, [lane_id], 5, parked=True)
    assert await role.fetch(queue.CLAIM, 7, 100, None) == []
    await owner.execute(fairness.HOLD, lane_id)
    assert await lane.due_lanes(role, [], 10) == {}
    assert not await owner.fetchval(fairness.OTHERS_LEFT, lane_id)
    await owner.execute(fairness.RELEASE, lane_id)
    assert await lane.due_lanes(role, [], 10) == {lane_id: False}
    assert len(await lane.draw(role, 7, {lane_id: 3}, 10)) == 3
    assert await owner.fetchval(fairness.OTHERS_LEFT, lane_id)
    assert await owner.fetchval(kill.UNFINISHED, await owner.fetchval(kill.NEWEST))
