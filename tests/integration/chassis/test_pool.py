"""The pool tells how many connections it has, and how long who needs one waits for it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from prometheus_client import REGISTRY

from chassis.database import open_pool
from chassis.settings import ServiceSettings
from tests.support.postgres import Database


def _value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"runhook_database_{name}", labels) or 0.0


@pytest.fixture
async def taken(database: Database) -> AsyncIterator[tuple[asyncpg.Pool, list[Any]]]:
    """A pool of two connections, both of them acquired."""
    settings = ServiceSettings(database_url=database.subscription_url, database_pool_size=2)
    async with open_pool(settings, "test", 1) as pool:
        connections = [await pool.acquire() for _ in range(2)]
        yield pool, connections
        for connection in connections:
            await pool.release(connection)


def _connections() -> dict[str, float]:
    return {state: _value("pool_connections", state=state) for state in ("idle", "in_use")}


async def test_who_waits_for_a_connection_is_seen_to_wait(taken: tuple[asyncpg.Pool, list[Any]]) -> None:
    pool, connections = taken
    assert _value("pool_limit") == 2
    assert _connections() == {"idle": 0, "in_use": 2}
    waits, waited = _value("acquire_seconds_count"), _value("acquire_seconds_sum")
    late = asyncio.create_task(pool.fetchval("select 42"))
    await asyncio.sleep(0.3)
    await pool.release(connections.pop())
    assert await late == 42
    assert _value("acquire_seconds_count") == waits + 1
    assert 0.25 <= _value("acquire_seconds_sum") - waited < 10
    assert _connections() == {"idle": 1, "in_use": 1}


async def test_a_wait_in_vain_is_a_wait_too(taken: tuple[asyncpg.Pool, list[Any]]) -> None:
    pool, _ = taken
    waits = _value("acquire_seconds_count")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await pool.fetchval("select 42")
    assert _value("acquire_seconds_count") == waits + 1


async def test_a_closed_pool_has_no_connections(database: Database) -> None:
    async with open_pool(ServiceSettings(database_url=database.subscription_url), "test", 1) as pool:
        await pool.fetchval("select 42")
        assert sum(_connections().values()) == 1
    assert sum(_connections().values()) == 0
