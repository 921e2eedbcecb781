"""Re-encrypts every sealed value under the first key of the ring, so that the keys behind it may be thrown away.

Invariant: it runs beside everything else, can be interrupted anywhere and repeated; what no key opens is left as it is. Values
that the first key sealed are opened too: the sum says what can be read, not what its label claims.
"""

from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

from chassis.keyring import KeyRing
from chassis.pooler import need_session
from schema.sealed import SEALED_COLUMNS, SealedColumn

#: Rows a transaction: it holds their locks for some milliseconds, in the order of their keys.
BATCH = 200
#: Who waits longer for a row waits for a forgotten session.
LOCK_TIMEOUT = "set lock_timeout = '10s'"
REPORT_EVERY = 10_000


@dataclass(kw_only=True)
class Tally:
    """What became of the values of one column."""

    table: str
    read: int = 0
    changed: int = 0
    unreadable: int = 0

    def __str__(self) -> str:
        return f"{self.table}: {self.read:,} read, {self.changed:,} re-encrypted, {self.unreadable:,} that no key opens"


async def rotate_keys(dsn: str, key_ring: KeyRing, say: Callable[[str], None], *, batch: int = BATCH) -> list[Tally]:
    """A tally a table, as the owner at `dsn`. `say` is told of progress and of each value that no key opens.

    Errors of asyncpg pass through, among them that a pooler leads there; what was re-encrypted until then stays so.
    """
    await need_session(dsn)
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "rotate-keys"})
    try:
        await connection.execute(LOCK_TIMEOUT)
        tallies = []
        for column in SEALED_COLUMNS:
            tallies.append(await _rotate(connection, key_ring, column, say, batch))
            say(str(tallies[-1]))
        return tallies
    finally:
        await connection.close()


async def _rotate(
    connection: asyncpg.Connection, key_ring: KeyRing, column: SealedColumn, say: Callable[[str], None], batch: int
) -> Tally:
    tally = Tally(table=column.table)
    after = column.before_all
    while rows := await connection.fetch(column.read, *after, batch):
        fresh = []
        for row in rows:
            try:
                fresh += _resealed(key_ring, column, row)
            except ValueError:
                tally.unreadable += 1
                say(f"{column.table}: no key of the ring opens {column.row_name(row)} ({_key_text(column, row)})")
        tally.changed += await _change(connection, column, fresh)
        tally.read += len(rows)
        if tally.read % REPORT_EVERY < len(rows):
            say(f"{column.table}: {tally.read:,} read so far")
        after = _key(column, rows[-1])
    return tally


def _resealed(key_ring: KeyRing, column: SealedColumn, row: asyncpg.Record) -> list[tuple[object, ...]]:
    """What `change` is to be told: nothing when it is under the first key. ValueError when no key opens it."""
    secret = key_ring.open(row["sealed"], column.row_name(row))
    if key_ring.is_newest(row["sealed"]):
        return []
    return [(*_key(column, row), row["sealed"], key_ring.seal(secret, column.row_name(row)))]


async def _change(connection: asyncpg.Connection, column: SealedColumn, fresh: list[tuple[object, ...]]) -> int:
    changed = 0
    async with connection.transaction():
        for values in fresh:
            changed += await connection.execute(column.change, *values) == "UPDATE 1"
    return changed


def _key(column: SealedColumn, row: asyncpg.Record) -> tuple[object, ...]:
    return tuple(row[name] for name in column.key)


def _key_text(column: SealedColumn, row: asyncpg.Record) -> str:
    values = [row[name].hex() if isinstance(row[name], bytes) else str(row[name]) for name in column.key]
    return ", ".join(f"{name} {value}" for name, value in zip(column.key, values, strict=True))
