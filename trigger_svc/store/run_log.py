"""What runs print: pieces by where they begin, in a partition by the day on which their attempt started.

Guards that a log has no hole and nothing twice: a piece goes in under the run's row lock, from the log's end on, whatever
part of it is there already.
"""

from dataclasses import dataclass
from datetime import date

import asyncpg

from trigger_svc.run import Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """How long a log is, how much of that is new, whether something was left out now, and whether there is a hole."""

    log_bytes: int
    kept: int
    cut: bool
    hole: bool


APPEND = """
with run as materialized (
    select r.run_id, r.log_bytes, r.log_truncated, (r.started_at at time zone 'UTC')::date as started_day
      from trigger.run r
     where r.run_id = $1 and r.lease_id = $2 and ($3::bigint is null or r.account_id = $3)
       and (r.state = 'RUNNING' or r.artifacts_due_at is not null)
       for no key update
), piece as materialized (
    select run_id, started_day, log_bytes,
           substring($5::bytea from (log_bytes - $4)::integer + 1 for greatest(0, $6 - log_bytes)::integer) as chunk,
           $4 + octet_length($5::bytea) > greatest($6, log_bytes) as cut
      from run
     where log_bytes between $4 and $4 + octet_length($5::bytea) - 1
), stored as (
    insert into trigger.run_log (started_day, run_id, byte_offset, chunk)
    select started_day, run_id, log_bytes, chunk from piece where octet_length(chunk) > 0
), counted as (
    update trigger.run r
       set log_bytes = p.log_bytes + octet_length(p.chunk), log_truncated = r.log_truncated or p.cut
      from piece p
     where r.run_id = p.run_id
)
select run.log_bytes + coalesce(octet_length(piece.chunk), 0) as log_bytes,
       coalesce(octet_length(piece.chunk), 0) as kept, coalesce(piece.cut and not run.log_truncated, false) as cut,
       run.log_bytes < $4 and run.log_bytes < $6 as hole
  from run left join piece on true
"""


async def append(pool: asyncpg.Pool, lease: Lease, *, offset: int, chunk: bytes, most_bytes: int) -> Appended | None:
    """Takes what is new of a piece, up to `most_bytes` in all; None when the lease is not the run's, or all of it is in."""
    row = await pool.fetchrow(APPEND, lease.run_id, lease.lease_id, lease.account_id, offset, chunk, most_bytes)
    return None if row is None else Appended(**row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a run's log is: the days on which its attempts can have started, and its length."""

    run_id: int
    first_day: date
    last_day: date
    log_bytes: int


FIND_PLACE = """
select run_id, (created_at at time zone 'UTC')::date as first_day,
       (coalesce(started_at, finished_at, clock_timestamp()) at time zone 'UTC')::date as last_day, log_bytes
  from trigger.run
 where run_id = $2 and account_id = $1
"""


async def find(pool: asyncpg.Pool, account_id: int, run_id: int) -> Place | None:
    """The place of an account's run."""
    row = await pool.fetchrow(FIND_PLACE, account_id, run_id)
    return None if row is None else Place(**row)


# A piece that begins before the offset may reach beyond it: the longest piece has 256 KiB.
READ = """
select byte_offset, chunk
  from trigger.run_log
 where started_day between $1 and $2 and run_id = $3 and byte_offset > $4::bigint - 262144 and byte_offset < $5
   and byte_offset + octet_length(chunk) > $4
 order by byte_offset
 limit $6
"""


async def read(pool: asyncpg.Pool, place: Place, *, offset: int, most_pieces: int) -> tuple[bytes, int]:
    """What is kept from `offset` on, `most_pieces` pieces at most, and where that ends; nothing past its retention."""
    rows = await pool.fetch(READ, place.first_day, place.last_day, place.run_id, offset, place.log_bytes, most_pieces)
    ends = [row["byte_offset"] + len(row["chunk"]) for row in rows]
    return b"".join(row["chunk"][max(0, offset - row["byte_offset"]) :] for row in rows), max(ends, default=offset)
