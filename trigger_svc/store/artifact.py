"""Artifacts: chunks as they come, then one statement that makes them visible and announces the run's completion."""

from dataclasses import dataclass
from datetime import date

import asyncpg

from trigger_svc.run import Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Where the artifacts of a run go; `finished_day` is None before it is final."""

    run_id: int
    finished_day: date | None


@dataclass(slots=True, kw_only=True)
class Artifact:
    """One artifact while it comes in."""

    name: str
    size_bytes: int = 0
    chunk_count: int = 0


FIND_SHELF = """
select run_id, (finished_at at time zone 'UTC')::date as finished_day
  from trigger.run
 where run_id = $1 and lease_id = $2 and ($3::bigint is null or account_id = $3)
"""


async def find_shelf(pool: asyncpg.Pool, lease: Lease) -> Shelf | None:
    """Where to store; None when the lease is not the run's."""
    row = await pool.fetchrow(FIND_SHELF, lease.run_id, lease.lease_id, lease.account_id)
    return None if row is None else Shelf(**row)


STORE_CHUNK = """
insert into trigger.artifact_chunk (finished_day, run_id, name, chunk_number, chunk)
values ($1, $2, $3, $4, $5)
on conflict (finished_day, run_id, name, chunk_number) do update set chunk = excluded.chunk
"""


async def store_chunk(pool: asyncpg.Pool, shelf: Shelf, artifact: Artifact, chunk: bytes) -> None:
    """Stores an artifact's next chunk; one that a broken stream left there is replaced."""
    await pool.execute(STORE_CHUNK, shelf.finished_day, shelf.run_id, artifact.name, artifact.chunk_count, chunk)


COMPLETE = """
with run as (
    update trigger.run r
       set artifacts_due_at = null
     where r.run_id = $1 and r.lease_id = $2 and r.finished_at is not null
    returning r.run_id, r.account_id, r.state, r.message, r.started_at, r.finished_at
), kept as (
    insert into trigger.artifact (run_id, name, account_id, finished_day, size_bytes, chunk_count, stored_at)
    select run.run_id, a.name, run.account_id, (run.finished_at at time zone 'UTC')::date, a.size_bytes, a.chunk_count,
           clock_timestamp()
      from run cross join unnest($3::text[], $4::integer[], $5::integer[]) as a (name, size_bytes, chunk_count)
    on conflict (run_id, name) do update
       set size_bytes = excluded.size_bytes, chunk_count = excluded.chunk_count, stored_at = excluded.stored_at
), told as (
    insert into trigger.outbox (run_id, event_type, event_at, run_state, message, started_at, finished_at)
    select run_id, 'job.run.completed', clock_timestamp(), state, message, started_at, finished_at from run
    on conflict (run_id, event_type) do nothing
)
select count(*) from run
"""


async def complete(pool: asyncpg.Pool, lease: Lease, artifacts: list[Artifact]) -> bool:
    """Makes stored artifacts visible and announces job.run.completed, once; False when the lease was lost meanwhile."""
    count = await pool.fetchval(
        COMPLETE,
        lease.run_id,
        lease.lease_id,
        [one.name for one in artifacts],
        [one.size_bytes for one in artifacts],
        [one.chunk_count for one in artifacts],
    )
    return bool(count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An artifact that its account may read."""

    run_id: int
    name: str
    finished_day: date
    chunk_count: int


FIND = """
select run_id, name, finished_day, chunk_count from trigger.artifact where run_id = $2 and name = $3 and account_id = $1
"""


async def find(pool: asyncpg.Pool, account_id: int, run_id: int, name: str) -> Kept | None:
    """An artifact of a run of the account."""
    row = await pool.fetchrow(FIND, account_id, run_id, name)
    return None if row is None else Kept(**row)


READ_CHUNK = """
select chunk from trigger.artifact_chunk where finished_day = $1 and run_id = $2 and name = $3 and chunk_number = $4
"""


async def read_chunk(pool: asyncpg.Pool, kept: Kept, number: int) -> bytes | None:
    """One chunk, counted from 0; None once it is past its retention."""
    chunk: bytes | None = await pool.fetchval(READ_CHUNK, kept.finished_day, kept.run_id, kept.name, number)
    return chunk
