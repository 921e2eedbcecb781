"""Deliveries that wait behind an open breaker for longer than their retries take count as failed for deactivation."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from delivery_svc.breaker import BreakerPolicy, openings_in
from delivery_svc.deactivation import DeactivationPolicy, deactivate_reason
from delivery_svc.deactivator import Deactivator
from delivery_svc.retry import RetryPolicy, longest_life
from delivery_svc.store import failing
from tests.support.delivery import add_subscription
from tests.support.postgres import Database

BREAKER, RETRY, TIMEOUT = BreakerPolicy(), RetryPolicy(), 10.0
LIFE = longest_life(RETRY, TIMEOUT)
ENOUGH = openings_in(LIFE, BREAKER) + 1
LANE = """
insert into delivery.lane (subscription_id, next_due_at, failed_attempts, open_until, openings)
values ($1, clock_timestamp(), 50, clock_timestamp(), $2)
"""
PARKED = """
insert into delivery.queue (id, event_id, published_at, subscription_id, account_id, webhook_name, due_at, parked)
select n, 'wev_' || lpad(n::text, 27, '0'), clock_timestamp(), $1, 1, 'test', clock_timestamp() - make_interval(secs => $3),
       true
  from generate_series(1, $2::int) n
"""
OWN = "insert into subscription.delivery_setting (subscription_id, retry_delays, retry_jitter) values ($1, $2, 0)"


async def _reasons(pool: asyncpg.Pool, policy: DeactivationPolicy | None = None) -> list[str | None]:
    """Of all that stall, as the deactivator judges them."""
    nothing: Any = None
    policy = policy or DeactivationPolicy()
    judge = Deactivator(
        pool=pool,
        policy=policy,
        subscriptions=nothing,
        credential=None,
        publisher=nothing,
        operator_account_id=None,
        breaker=BREAKER,
        retry=RETRY,
        timeout=TIMEOUT,
    )
    rows = await failing.stalled(pool, judge._stall(policy.period or timedelta(days=36_500)), 100)
    return [
        deactivate_reason(row["consecutive_failures"], judge._failing_since(row), row["now"], policy) for row in rows
    ]


@pytest.mark.parametrize(
    ("parked", "age", "openings", "expected"),
    [
        (1000, LIFE + 5, ENOUGH, ["1,000 deliveries in a row failed"]),
        (999, LIFE + 5, ENOUGH, []),
        (5000, LIFE - 30, ENOUGH, []),  # their retries would not be over
        (5000, 86_400.0, ENOUGH - 1, []),  # they waited for us, not for the endpoint
        (1, 86_400.0, openings_in(7 * 86_400.0, BREAKER) + 1, ["every delivery failed for 7 days"]),
        (1, 86_400.0, openings_in(7 * 86_400.0, BREAKER), []),
    ],
)
async def test_what_would_have_failed_by_now_counts(
    database: Database, parked: int, age: float, openings: int, expected: list[str]
) -> None:
    key, _ = await add_subscription(database, "http://127.0.0.1:1/")
    async with asyncpg.create_pool(database.delivery_url, min_size=1, max_size=1) as pool:
        await pool.execute(LANE, key, openings)
        await pool.execute(PARKED, key, parked, age)
        assert await _reasons(pool) == expected
        assert await _reasons(pool, DeactivationPolicy(failures=None, period=None)) == []


@pytest.mark.parametrize(("delays", "expected"), [([], 1), ([3600.0], 0)])
async def test_a_subscriptions_own_schedule_says_how_long_that_is(
    database: Database, delays: list[float], expected: int
) -> None:
    key, _ = await add_subscription(database, "http://127.0.0.1:1/")
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute(OWN, key, delays)
    await owner.close()
    async with asyncpg.create_pool(database.delivery_url, min_size=1, max_size=1) as pool:
        await pool.execute(LANE, key, ENOUGH)
        await pool.execute(PARKED, key, 1000, LIFE - 60)
        assert len(await _reasons(pool)) == expected


async def test_looking_for_them_walks_open_lanes_and_no_more_of_each_than_counts(database: Database) -> None:
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("insert into delivery.lane (subscription_id) select n from generate_series(1, 5000) n")
    await owner.execute("analyze delivery.lane")
    await owner.close()
    async with asyncpg.create_pool(database.delivery_url, min_size=1, max_size=1) as pool:
        await pool.execute("set plan_cache_mode = force_generic_plan")
        types = "int, int, int, float8, float8, int, float8, bigint, bigint"
        await pool.execute(f"prepare looking ({types}) as {failing.STALLED}")
        rows = await pool.fetch("explain execute looking (1000, 7, 2022, 266, 0.2, 5, 10, 100, 1000)")
        plan = "\n".join(row[0] for row in rows)
    assert "lane_open" in plan
    assert "queue_parked" in plan
    assert "Seq Scan" not in plan
