"""The pool of connections to Postgres, and the one place that says which of its errors mean "away, try again".

Session settings belong to the login roles, not to this room, so that a transaction pooler may stand in between, if it is told
not to keep statements there; since no session is ever changed, none is reset after use, which would cost as much as most
queries. No connection is ever held across the network to anyone but Postgres.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg

from chassis.errors import Unavailable
from chassis.logs import get_logger
from chassis.migrations import wait_for_schema
from chassis.pool import MeasuredPool
from chassis.pooler import keeps_statements
from chassis.settings import ServiceSettings, SettingsError

log = get_logger()
T = TypeVar("T")
WAIT_SECONDS = 1.0

#: What asyncpg raises when Postgres is away, restarting, full or too slow: the caller may try again.
AWAY_ERRORS = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection whose backend was ended between two statements
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # the database takes no connections now
)


def away(error: BaseException) -> Unavailable:
    """The domain error for one of AWAY_ERRORS; internals stay in the log."""
    log.warning("database.away", error=repr(error))
    return Unavailable("DATABASE_UNAVAILABLE", "the database does not answer: call again", retry_after=1.0)


@asynccontextmanager
async def open_pool(settings: ServiceSettings, process: str, schema_version: int) -> AsyncIterator[asyncpg.Pool]:
    """A pool for the process, once the database is there and at least at the schema version that the code needs.

    SettingsError when statements are to stay prepared where a pooler would mix them up.
    """
    if settings.database_statement_cache and not await patiently(lambda: keeps_statements(settings.database_url)):
        raise SettingsError(
            [
                "RUNHOOK_DATABASE_STATEMENT_CACHE: before Postgres stands a pooler in transaction mode that mixes up prepared "
                "statements: set it to 0, or let the pooler know them (PgBouncer 1.21 or later: max_prepared_statements)"
            ]
        )
    pool = await _connect(settings, process)
    try:
        await patiently(lambda: wait_for_schema(pool, schema_version))
        yield pool
    finally:
        await _close(pool)


async def patiently(step: Callable[[], Awaitable[T]]) -> T:
    """A step of a start, begun again for as long as Postgres is away: a process does not end because of that before it is
    ready. A step whose commit was lost runs twice, so it must be one that may."""
    started = time.monotonic()
    while True:
        try:
            return await step()
        except AWAY_ERRORS as error:
            log.warning("database.waiting", error=repr(error), waited_seconds=round(time.monotonic() - started, 1))
            await asyncio.sleep(WAIT_SECONDS)


async def _connect(settings: ServiceSettings, process: str) -> asyncpg.Pool:
    return await patiently(
        lambda: MeasuredPool(
            settings.database_url,
            min_size=1,
            max_size=settings.database_pool_size,
            max_inactive_connection_lifetime=300,
            statement_cache_size=settings.database_statement_cache,
            command_timeout=60,
            timeout=10,
            server_settings={"application_name": process},
            reset=_leave_as_it_is,
        )
    )


async def _leave_as_it_is(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Nothing to undo: what is of a transaction ended with it, and asyncpg itself rolls back one that is open."""


async def _close(pool: asyncpg.Pool) -> None:
    try:
        await asyncio.wait_for(pool.close(), timeout=5)
    except TimeoutError:
        pool.terminate()
