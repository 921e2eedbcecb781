"""What the bench asks Postgres: who it is, how durable it is set, and how far its write-ahead log has come.

Invariant: it only reads, on one connection of its own, at the ends of a measured stretch.
"""

from dataclasses import dataclass

import asyncpg

_SETTINGS = """
select current_setting('server_version') as version,
       current_setting('fsync') as fsync,
       current_setting('synchronous_commit') as synchronous_commit,
       current_setting('full_page_writes') as full_page_writes,
       current_setting('shared_buffers') as shared_buffers
"""
_WAL_POSITION = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """As `show` has them."""

    version: str
    fsync: str
    synchronous_commit: str
    full_page_writes: str
    shared_buffers: str


async def read_settings(connection: "asyncpg.Connection[asyncpg.Record]") -> Settings:
    """Version and the settings that decide what a commit costs."""
    row = await connection.fetchrow(_SETTINGS)
    assert row is not None
    return Settings(**dict(row))


async def wal_bytes(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """Bytes of write-ahead log since the cluster was made."""
    position = await connection.fetchval(_WAL_POSITION)
    return int(position)
