"""Whether a pooler stands before Postgres. Invariant: what a pooler would break refuses to start, and is never silently wrong.

In transaction mode a pooler gives each transaction whichever session is free. A prepared statement is then asked for where it
never was, or where another process has prepared another one under the same name: that one's rows come back, and no error.
What a session holds for its whole life (a lock, a setting) ends up with somebody else.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

_SECONDS = 10.0
# In no order that a pooler could keep step with, and so many that two connections never meet one session each by chance.
_TURNS = 3 * "0110100110010110"
SESSION = "select pg_backend_pid()"
KNOWN = "select exists (select from pg_prepared_statements where name = $1)"


class SharedSession(asyncpg.InterfaceError):
    """A session was needed that is nobody else's; the text says what to do."""


async def need_session(dsn: str) -> None:
    """Raises SharedSession where a pooler in transaction mode stands before Postgres; asyncpg's errors pass through."""
    async with _connected(dsn) as connection:
        if await _is_shared(connection, dsn):
            raise SharedSession(
                "a pooler in transaction mode stands before Postgres, and this needs a session of its own: "
                "give it the URL of Postgres itself"
            )


async def keeps_statements(dsn: str) -> bool:
    """Whether statements may stay prepared: there is no pooler in transaction mode, or one that knows statements.

    asyncpg's errors pass through.
    """
    async with _connected(dsn) as connection:
        return not await _is_shared(connection, dsn) or await _are_renamed(connection)


async def _is_shared(connection: asyncpg.Connection, dsn: str) -> bool:
    """Whether two connections meet the same session, or one meets two. Without a pooler it costs one statement."""
    if await connection.fetchval(SESSION) == connection.get_server_pid():
        return False  # who greeted us is who answers
    async with _connected(dsn) as other:
        seen: dict[asyncpg.Connection, set[int]] = {connection: set(), other: set()}
        for turn in _TURNS:
            one = other if turn == "1" else connection
            seen[one].add(await one.fetchval(SESSION))
            if len(seen[one]) > 1 or seen[connection] & seen[other]:
                return True
    return False


async def _are_renamed(connection: asyncpg.Connection) -> bool:
    """Whether the pooler gives statements names of its own and knows where each is, as PgBouncer can from 1.21 on."""
    name = f"probe_{secrets.token_hex(8)}"
    async with connection.transaction():  # in one session
        statement = await connection.prepare(KNOWN, name=name)
        if not await statement.fetchval(name):
            return True
        await connection.execute(f'deallocate "{name}"')
        return False


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that leaves no statement behind."""
    connection = await asyncpg.connect(dsn, timeout=_SECONDS, command_timeout=_SECONDS, statement_cache_size=0)
    try:
        yield connection
    finally:
        connection.terminate()
