"""asyncpg's pool, measured: how many connections there are, and how long whoever needs one waits for it."""

import time
from collections.abc import Generator
from typing import Any

import asyncpg
from asyncpg.pool import PoolAcquireContext
from prometheus_client import Gauge, Histogram

from chassis.histogram import SECONDS

CONNECTIONS = Gauge(
    "runhook_database_pool_connections",
    "Connections of the pool to Postgres by state: idle or in_use.",
    ["state"],
)
LIMIT = Gauge(
    "runhook_database_pool_limit",
    "Connections that the pool may open; with as many in_use for long, raise RUNHOOK_DATABASE_POOL_SIZE.",
)
ACQUIRE_SECONDS = Histogram(
    "runhook_database_acquire_seconds",
    "Time until a connection of the pool was got, opening it included; above a millisecond, the pool is too small or "
    "Postgres is away.",
    buckets=(0.0001, *SECONDS),
)


class _Acquiring(PoolAcquireContext):
    """asyncpg's own, with its wait measured, also of one that ends in an error."""

    __slots__ = ()

    async def __aenter__(self) -> Any:
        started = time.monotonic()
        try:
            return await super().__aenter__()
        finally:
            ACQUIRE_SECONDS.observe(time.monotonic() - started)

    def __await__(self) -> Generator[Any, Any, Any]:
        started = time.monotonic()
        try:
            return (yield from super().__await__())
        finally:
            ACQUIRE_SECONDS.observe(time.monotonic() - started)


class MeasuredPool(asyncpg.Pool):
    """As asyncpg.create_pool makes it, but measured; the last one that a process makes is what its gauges show."""

    __slots__ = ()

    def __init__(self, dsn: str, **options: Any) -> None:
        defaults: dict[str, Any] = {
            "max_queries": 50_000,
            "loop": None,
            "connection_class": asyncpg.Connection,
            "record_class": asyncpg.Record,
        }
        super().__init__(dsn, **defaults, **options)
        LIMIT.set(self.get_max_size())
        # Asked for by a scrape, in its thread: both only count what is there.
        CONNECTIONS.labels("idle").set_function(self.get_idle_size)
        CONNECTIONS.labels("in_use").set_function(lambda: self.get_size() - self.get_idle_size())

    def acquire(self, *, timeout: float | None = None) -> _Acquiring:
        """A connection, for an `async with` or an `await`."""
        return _Acquiring(self, timeout)
