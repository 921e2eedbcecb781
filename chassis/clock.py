"""The database's clock, carried along by the pod's monotonic one: a pod whose wall clock is wrong harms nobody.

Set at start and at every heartbeat; between two settings it runs with the monotonic clock.
"""

import time
from datetime import UTC, datetime, timedelta

import asyncpg

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
READ_CLOCK = "select clock_timestamp()"


class DatabaseClock:
    """Tells the database's time without asking it. Unset it raises, rather than fall back to the wall clock."""

    def __init__(self) -> None:
        self._base: datetime | None = None
        self._base_us = 0
        self._base_monotonic = 0.0

    def set(self, database_now: datetime) -> None:
        """Takes a time just read from the database."""
        self._base, self._base_monotonic = database_now.astimezone(UTC), time.monotonic()
        self._base_us = (self._base - EPOCH) // timedelta(microseconds=1)

    async def read(self, connection: asyncpg.Connection | asyncpg.Pool) -> None:
        """Asks the database once and sets the clock."""
        self.set(await connection.fetchval(READ_CLOCK))

    def now(self) -> datetime:
        """The database's time now, in UTC."""
        return EPOCH + timedelta(microseconds=self.now_us())

    def now_us(self) -> int:
        """The same in whole microseconds since 1970, at a fifth of the cost."""
        if self._base is None:
            raise RuntimeError("the database's clock was never read")
        return self._base_us + int((time.monotonic() - self._base_monotonic) * 1_000_000)
