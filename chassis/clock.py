"""The database's clock, carried along by the pod's monotonic one: a pod whose wall clock is wrong harms nobody.

Set at start and at every heartbeat; between two settings it runs with the monotonic clock. A time that was read is true of
some moment between question and answer, so the clock is moved only as far as it must be to have shown that time in between: one
slow answer, or a busy loop that takes it late, spoils nothing, and a quick one makes it right to within its trip.
"""

import time
from datetime import UTC, datetime, timedelta

import asyncpg

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
READ_CLOCK = "select clock_timestamp()"


class DatabaseClock:
    """Tells the database's time without asking it. Unset it raises, rather than fall back to the wall clock."""

    def __init__(self) -> None:
        self._base_us: int | None = None
        self._base_monotonic = 0.0

    def set(self, database_now: datetime, *, asked: float) -> None:
        """Takes a time just read from the database; `asked` is when, on the monotonic clock."""
        answered = time.monotonic()
        earliest = (database_now - EPOCH) // timedelta(microseconds=1)  # that it can be, now that the answer is here
        latest = earliest + int((answered - asked) * 1_000_000)
        shown = earliest if self._base_us is None else self.now_us()
        self._base_us, self._base_monotonic = min(max(shown, earliest), latest), answered

    async def read(self, connection: asyncpg.Connection | asyncpg.Pool) -> None:
        """Asks the database once and sets the clock."""
        asked = time.monotonic()
        self.set(await connection.fetchval(READ_CLOCK), asked=asked)

    def now(self) -> datetime:
        """The database's time now, in UTC."""
        return EPOCH + timedelta(microseconds=self.now_us())

    def now_us(self) -> int:
        """The same in whole microseconds since 1970, at a fifth of the cost."""
        if self._base_us is None:
            raise RuntimeError("the database's clock was never read")
        return self._base_us + int((time.monotonic() - self._base_monotonic) * 1_000_000)
