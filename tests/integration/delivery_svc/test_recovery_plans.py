"""Delivering again walks indexes, however long the log is: by the delivery's id, or by when what failed was published."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from delivery_svc.store import recovery, redelivery
from tests.support.delivery import add_subscription
from tests.support.postgres import Database
from tests.support.recovery import fill

EPOCH, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
SPAN = "1, '1970-01-01', '9999-01-01'"
SPAN_TYPES = "bigint, timestamptz, timestamptz"


@pytest.mark.parametrize(
    ("statement", "types", "values", "index"),
    [
        (redelivery.REDELIVER, "bigint, bigint", "1, 1", "_pkey"),
        (redelivery.WHERE_IT_IS, "bigint, bigint", "1, 1", "_pkey"),
        (
            recovery.COUNT,
            f"{SPAN_TYPES}, text, bigint, int",
            f"{SPAN}, null, null, 9",
            "subscription_id_published_at_id_idx1",
        ),
        (
            recovery.MOVE,
            f"{SPAN_TYPES}, timestamptz, bigint, text, bigint, int",
            f"{SPAN}, '1970-01-01', 0, null, null, 200",
            "subscription_id_published_at_id_idx1",
        ),
        (recovery.NEXT, "bigint, int", "0, 1000", "queue_parked"),
    ],
)
async def test_delivering_again_walks_its_index(
    database: Database, statement: str, types: str, values: str, index: str
) -> None:
    connection = await asyncpg.connect(database.delivery_url)
    try:
        await connection.execute("set plan_cache_mode = force_generic_plan")
        await connection.execute(f"prepare probe ({types}) as {statement}")
        plan = "\n".join(row[0] for row in await connection.fetch(f"explain execute probe ({values})"))
    finally:
        await connection.close()
    assert index in plan
    assert "Seq Scan" not in plan, plan


@pytest.mark.parametrize("statement", [recovery.COUNT, recovery.MOVE])
async def test_a_job_of_which_nothing_failed_is_looked_for_among_a_batch(database: Database, statement: str) -> None:
    key, _ = await add_subscription(database, "http://127.0.0.1:9/")
    await fill(database, key, 300)
    after = (EPOCH, 0) if statement is recovery.MOVE else ()
    connection = await asyncpg.connect(database.delivery_url)
    try:
        explained = f"explain (analyze, format json) {statement}"
        plan = json.loads(await connection.fetchval(explained, key, EPOCH, END, *after, None, 5, 20))[0]["Plan"]
    finally:
        await connection.close()
    read = [node["Actual Rows"] for node in _nodes(plan) if "delivery_p" in node.get("Relation Name", "")]
    assert 20 <= sum(read) < 40, plan


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)
