"""Pods: epochs, heartbeats, and the declaring dead of one that was watched and did not move."""

from datetime import datetime

import asyncpg

JOIN = "insert into delivery.pod (name) values ($1) returning epoch, clock_timestamp() as now"
BURY_NAMESAKES = """
update delivery.pod set dead_at = clock_timestamp() where name = $1 and epoch < $2 and dead_at is null
"""
BEAT = """
update delivery.pod set heartbeat_at = clock_timestamp() where epoch = $1 and dead_at is null returning heartbeat_at
"""
LIVING = "select epoch, heartbeat_at from delivery.pod where dead_at is null"
DECLARE_DEAD = """
update delivery.pod set dead_at = clock_timestamp() where epoch = $1 and heartbeat_at = $2 and dead_at is null returning epoch
"""
ANY_DEAD = "select exists (select 1 from delivery.pod where dead_at is not null)"
PRUNE = "delete from delivery.pod where dead_at < clock_timestamp() - make_interval(secs => $1)"
LEAVE = "delete from delivery.pod where epoch = $1"
BURY = "update delivery.pod set dead_at = clock_timestamp() where epoch = $1 and dead_at is null"


async def join(pool: asyncpg.Pool, name: str) -> tuple[int, datetime]:
    """Takes a new epoch. Returns it with the database's time."""
    [row] = await pool.fetch(JOIN, name)
    return row["epoch"], row["now"]


async def bury_namesakes(pool: asyncpg.Pool, name: str, epoch: int) -> None:
    """Declares dead the earlier epochs of the same pod name: a restart recovers at once."""
    await pool.execute(BURY_NAMESAKES, name, epoch)


async def beat(pool: asyncpg.Pool, epoch: int) -> datetime | None:
    """Beats. Returns the database's time, or None when the epoch was declared dead."""
    moment: datetime | None = await pool.fetchval(BEAT, epoch)
    return moment


async def living(pool: asyncpg.Pool) -> dict[int, datetime]:
    """Last heartbeat of every living epoch."""
    return {row["epoch"]: row["heartbeat_at"] for row in await pool.fetch(LIVING)}


async def declare_dead(pool: asyncpg.Pool, epoch: int, seen: datetime) -> bool:
    """Declares an epoch dead if its heartbeat still is what was `seen`."""
    return await pool.fetchval(DECLARE_DEAD, epoch, seen) is not None


async def any_dead(pool: asyncpg.Pool) -> bool:
    """Whether there is a dead epoch whose rows may have to be freed."""
    return bool(await pool.fetchval(ANY_DEAD))


async def prune(pool: asyncpg.Pool, older_than_seconds: float) -> None:
    """Forgets epochs that have been dead for that long: by then no statement of theirs can still commit."""
    await pool.execute(PRUNE, older_than_seconds)


async def leave(pool: asyncpg.Pool, epoch: int) -> None:
    """Forgets an epoch whose pod has handed everything back: a row that still carried it would never be freed."""
    await pool.execute(LEAVE, epoch)


async def bury(pool: asyncpg.Pool, epoch: int) -> None:
    """Declares dead the epoch of a pod that goes and could not hand everything back."""
    await pool.execute(BURY, epoch)
