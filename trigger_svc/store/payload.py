"""Where payloads are: in the calls of a window, or stored with an execution that was started by hand. That of a rerun is where
that of its first execution is, so that it is the same to the byte.
"""

from dataclasses import dataclass

import asyncpg

from trigger_svc.run import Lease
from trigger_svc.store.call import Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A payload's bytes in all, and where they are: `within` a window, or stored with the execution `key`."""

    key: int
    size_bytes: int
    within: Range | None


SOURCE_OF_RUN = """
select o.execution_id, o.payload_bytes, w.trigger_id, w.first_seq, w.size,
       (w.opened_at at time zone 'UTC')::date as first_day, (w.closed_at at time zone 'UTC')::date as last_day
  from trigger.run r
  join trigger.execution e on e.execution_id = r.execution_id
  join trigger.execution o on o.execution_id = coalesce(e.payload_of, e.execution_id)
  left join trigger.window w on w.window_id = o.window_id
 where r.run_id = $1 and r.lease_id = $2 and r.finished_at is null and r.takes_payload
   and ($3::bigint is null or r.account_id = $3)
"""


async def of_run(pool: asyncpg.Pool, lease: Lease) -> Source | None:
    """Where the payload of a run is; None unless the lease is the run's and it takes one."""
    row = await pool.fetchrow(SOURCE_OF_RUN, lease.run_id, lease.lease_id, lease.account_id)
    return None if row is None else _source(row)


SOURCE_OF_EXECUTION = """
select o.execution_id, o.payload_bytes, w.trigger_id, w.first_seq, w.size,
       (w.opened_at at time zone 'UTC')::date as first_day, (w.closed_at at time zone 'UTC')::date as last_day
  from trigger.execution e
  join trigger.execution o on o.execution_id = coalesce(e.payload_of, e.execution_id)
  left join trigger.window w on w.window_id = o.window_id
 where e.public_id = $2 and e.account_id = $1
"""


async def of_execution(pool: asyncpg.Pool, account_id: int, public_id: str) -> Source | None:
    """Where the payload of an execution of the account is; of no bytes if it has none. None: there is no such execution."""
    row = await pool.fetchrow(SOURCE_OF_EXECUTION, account_id, public_id)
    return None if row is None else _source(row)


READ_STORED = "select substring(payload from $2 for $3) from trigger.execution_payload where execution_id = $1"


async def read_stored(pool: asyncpg.Pool, key: int, *, offset: int, count: int) -> bytes | None:
    """`count` bytes of a stored payload from `offset` on, fewer at its end; None when it is not there."""
    chunk: bytes | None = await pool.fetchval(READ_STORED, key, offset + 1, count)
    return chunk


def _source(row: asyncpg.Record) -> Source:
    within = None
    if row["first_seq"] is not None:
        names = ("trigger_id", "first_seq", "size", "first_day", "last_day")
        within = Range(**{name: row[name] for name in names})
    return Source(key=row["execution_id"], size_bytes=row["payload_bytes"], within=within)
