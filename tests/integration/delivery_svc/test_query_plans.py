"""The hot statements keep their indexes: without queue_due a claim costs nine times as much, and nothing else would tell."""

import json
import time
from typing import Any

import asyncpg
import pytest

from delivery_svc.store import lane, publishing, queue, recording
from tests.support.delivery import add_subscription
from tests.support.postgres import Database

PARKED = 50_000
FILL = """
insert into delivery.queue (id, event_id, published_at, subscription_id, account_id, webhook_name, due_at, lease_id, parked)
select n, 'wev_' || lpad(n::text, 27, '0'), clock_timestamp(), case when $2 then 1 else 2 + n % 100 end, 1, 'test',
       clock_timestamp() - interval '1 hour', $3, $2
  from generate_series($1::int, $1::int + $4::int - 1) n
"""
RECORD_TYPES = (
    "bigint[], bigint[], bigint[], bigint[], smallint[], bigint[], text[], bytea[], bytea[], bigint[], smallint[], text[],"
    "text[], float8[], text[], text[], int[], int[], int[], boolean[]"
)


@pytest.fixture
async def connection(database: Database) -> Any:
    """Connected as the service's login role, whose settings the plans depend on; the queue holds parked and leased rows."""
    await add_subscription(database, "http://127.0.0.1:1/")
    connected = await asyncpg.connect(database.delivery_url)
    await connected.execute(FILL, 1, True, None, PARKED)
    await connected.execute(FILL, PARKED + 1, False, 7, 1000)
    yield connected
    await connected.close()


async def _indexes(connection: asyncpg.Connection, statement: str, types: str, values: str) -> set[str]:
    """Names of the indexes in the statement's generic plan, and `seq scan of <table>` where there is one."""
    await connection.execute("set plan_cache_mode = force_generic_plan")
    await connection.execute(f"prepare probe ({types}) as {statement}")
    plan = json.loads(await connection.fetchval(f"explain (format json) execute probe ({values})"))
    found: set[str] = set()

    def walk(node: dict[str, Any]) -> None:
        if node["Node Type"] == "Seq Scan":
            found.add(f"seq scan of {node['Relation Name']}")
        elif "Index Name" in node:
            found.add(node["Index Name"])
        for child in node.get("Plans", []):
            walk(child)

    walk(plan[0]["Plan"])
    return found


async def test_a_claim_walks_the_index_of_what_is_free_and_due(connection: asyncpg.Connection) -> None:
    indexes = await _indexes(connection, queue.CLAIM, "bigint, int, timestamptz", "7, 100, null")
    assert "queue_due" in indexes
    assert not [name for name in indexes if name.startswith("seq scan")]


async def test_a_claim_beside_a_hundred_thousand_parked_rows_takes_no_longer(connection: asyncpg.Connection) -> None:
    await connection.fetch(queue.CLAIM, 7, 100, None)
    started = time.monotonic()
    for _ in range(20):
        assert await connection.fetch(queue.CLAIM, 7, 100, None) == []
    assert (time.monotonic() - started) / 20 < 0.02


@pytest.mark.parametrize(
    ("statement", "types", "values", "index", "column"),
    [
        (queue.CLAIM, "bigint, int, timestamptz", "7, 100, null", "queue_due", "due_at"),
        (lane.DUE_LANES, "bigint[], int", "'{}', 100", "lane_due", "next_due_at"),
        (lane.DRAW, "bigint, bigint[], int[], int", "7, array[1], array[32], 32", "queue_parked", "due_at"),
    ],
)
async def test_what_is_due_later_is_not_walked_over(
    connection: asyncpg.Connection, statement: str, types: str, values: str, index: str, column: str
) -> None:
    await connection.execute(f"prepare probe ({types}) as {statement}")
    lines = [row[0] for row in await connection.fetch(f"explain execute probe ({values})")]
    scan = next(number for number, line in enumerate(lines) if f" {index} " in line)
    condition = lines[scan + 1]
    assert "Index Cond" in condition
    assert f"{column} <= statement_timestamp()" in condition


async def test_a_draw_walks_the_index_of_parked_rows_by_lane(connection: asyncpg.Connection) -> None:
    indexes = await _indexes(connection, lane.DRAW, "bigint, bigint[], int[], int", "7, array[1], array[32], 32")
    assert "queue_parked" in indexes
    assert not [name for name in indexes if name.startswith("seq scan")]


async def test_the_next_due_time_of_a_lane_comes_from_its_index(connection: asyncpg.Connection) -> None:
    indexes = await _indexes(connection, lane.SET_NEXT_DUE, "bigint[], bigint[], float8", "array[1], '{}', 15")
    assert "queue_parked" in indexes


async def test_recording_finds_queue_rows_by_their_key(connection: asyncpg.Connection) -> None:
    indexes = await _indexes(connection, recording.RECORD, RECORD_TYPES, ", ".join(["'{}'"] * 20))
    assert {name for name in indexes if "queue" in name} == {"queue_pkey"}


async def test_a_record_joins_every_row_with_every_other_after_a_look_at_an_empty_queue(database: Database) -> None:
    """The symptom: right after a start Postgres took 110 us for each attempt of a group of 200, where 20 do."""
    owner = await asyncpg.connect(database.owner_url)
    connected = await asyncpg.connect(database.delivery_url)
    try:
        await owner.execute("analyze delivery.queue")
        await add_subscription(database, "http://127.0.0.1:1/")
        await connected.execute(FILL, 1, False, 7, 1000)
        await connected.execute("set plan_cache_mode = force_generic_plan")
        await connected.execute(f"prepare probe ({RECORD_TYPES}) as {recording.RECORD}")
        empty = ", ".join(["'{}'"] * 20)
        plan = [row[0] for row in await connected.fetch(f"explain execute probe ({empty})")]
    finally:
        await owner.close()
        await connected.close()
    assert [line for line in plan if "Nested Loop" in line] == []
    assert len([line for line in plan if "Hash Join" in line]) == 2


async def test_a_fan_out_looks_interests_up_by_their_key(connection: asyncpg.Connection) -> None:
    types = "text[], bigint[], text[], bigint[], bigint[], bytea[], text[], bigint, int, int, bigint[], int[], text[], bytea[]"
    types += ", int"
    values = ", ".join(["'{}'"] * 7) + ", 1, 1, 1, '{}', '{}', '{}', '{}', 1"
    indexes = await _indexes(connection, publishing.STORE, types, values)
    assert {name for name in indexes if name.startswith(("interest", "subscription"))} == {
        "interest_pkey",
        "subscription_pkey",
    }
