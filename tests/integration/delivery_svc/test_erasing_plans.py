"""Erasing walks keys: a step costs what its window holds, however long the log and the queue are."""

import asyncpg
import pytest

from delivery_svc.store import erasing, erasure
from tests.support.postgres import Database

DAY = "'2026-11-22', '2026-11-23'"
DAY_TYPES = "timestamptz, timestamptz"


@pytest.mark.parametrize(
    ("statement", "types", "values", "index"),
    [
        (erasure.EVENT_KNOWN, "bigint, text", "1, 'wev_1'", "_pkey"),
        (erasure.LIST, "bigint, int", "1, 100", "erasure_account"),
        (erasure.NEXT, "bigint, bigint[]", "1, '{}'", "erasure_running"),
        (erasing.ERASE_EVENT, "bigint, text", "1, 'wev_1'", "_pkey"),
        (
            erasing.ERASE_EVENTS,
            f"bigint, {DAY_TYPES}, text, timestamptz, int, int",
            f"1, {DAY}, '', now(), 9, 9",
            "_pkey",
        ),
        (erasing.CANCEL, "bigint, text, bigint, timestamptz, int, int", "1, null, 0, now(), 9, 9", "queue_pkey"),
        (erasing.WIPE, f"bigint, {DAY_TYPES}, bigint, timestamptz, int, int", f"1, {DAY}, 0, now(), 9, 9", "_pkey"),
        (erasing.WIPE_OF_EVENT, "bigint, text", "1, 'wev_1'", "subscription_id_published_at_id_idx"),
    ],
)
async def test_erasing_walks_its_index(database: Database, statement: str, types: str, values: str, index: str) -> None:
    connection = await asyncpg.connect(database.delivery_url)
    try:
        await connection.execute("set plan_cache_mode = force_generic_plan")
        await connection.execute(f"prepare probe ({types}) as {statement}")
        plan = "\n".join(row[0] for row in await connection.fetch(f"explain execute probe ({values})"))
    finally:
        await connection.close()
    assert index in plan, plan
    # Once per erased event, and of a small table: deleted subscriptions have no index by their account.
    plan = plan.replace("Seq Scan on subscription s", "")
    assert "Seq Scan" not in plan, plan
