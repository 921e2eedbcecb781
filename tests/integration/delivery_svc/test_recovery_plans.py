"""Delivering again walks indexes, however long the log is: by the delivery's id, or by when what failed was published."""

import asyncpg
import pytest

from delivery_svc.store import recovery, redelivery
from tests.support.postgres import Database

SPAN = "1, '1970-01-01', '9999-01-01'"
SPAN_TYPES = "bigint, timestamptz, timestamptz"


@pytest.mark.parametrize(
    ("statement", "types", "values", "index"),
    [
        (redelivery.REDELIVER, "bigint, bigint", "1, 1", "_pkey"),
        (redelivery.WHERE_IT_IS, "bigint, bigint", "1, 1", "_pkey"),
        (recovery.COUNT, f"{SPAN_TYPES}, text, int", f"{SPAN}, null, 9", "subscription_id_published_at_id_idx1"),
        (
            recovery.MOVE,
            f"{SPAN_TYPES}, timestamptz, bigint, text, int",
            f"{SPAN}, '1970-01-01', 0, null, 200",
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
