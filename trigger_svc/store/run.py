"""Runs on their way: taken, started, kept, finished. Every report is believed only with the run's present lease."""

import json
from dataclasses import dataclass

import asyncpg

from trigger_svc.run import Ending, Lease, Order

ACQUIRE_RUNS = """
with free as materialized (
    select x.run_id
      from unnest($1::text[]) as c (command)
     cross join lateral (
           select f.run_id, f.due_at
             from trigger.run f
            where f.command = c.command and f.state = 'PENDING' and f.lease_id is null and f.due_at is not null
            order by f.due_at, f.run_id
            limit $2
              for no key update skip locked) x
     order by x.due_at, x.run_id
     limit $2
)
update trigger.run r
   set lease_id = nextval('trigger.lease_id'), lease_until = clock_timestamp() + make_interval(secs => $3)
  from free
 where r.run_id = free.run_id
returning r.run_id, r.lease_id, extract(epoch from clock_timestamp() - r.due_at)::double precision as waited_seconds
"""
ACQUIRE_RUNS_OF_ACCOUNT = """
with free as materialized (
    select x.run_id
      from unnest($1::text[]) as c (command)
     cross join lateral (
           select f.run_id, f.due_at
             from trigger.run f
            where f.account_id = $4 and f.command = c.command
              and f.state = 'PENDING' and f.lease_id is null and f.due_at is not null
            order by f.due_at, f.run_id
            limit $2
              for no key update skip locked) x
     order by x.due_at, x.run_id
     limit $2
)
update trigger.run r
   set lease_id = nextval('trigger.lease_id'), lease_until = clock_timestamp() + make_interval(secs => $3)
  from free
 where r.run_id = free.run_id
returning r.run_id, r.lease_id, extract(epoch from clock_timestamp() - r.due_at)::double precision as waited_seconds
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquired:
    """A run that was just leased, and for how long it had waited."""

    run_id: int
    lease_id: int
    waited_seconds: float


async def acquire(
    pool: asyncpg.Pool, commands: list[str], *, most: int, lease_seconds: float, account_id: int | None
) -> list[Acquired]:
    """Leases free runs of these commands, the longest waiting first; of one account, or of all if None."""
    if account_id is None:
        rows = await pool.fetch(ACQUIRE_RUNS, commands, most, lease_seconds)
    else:
        rows = await pool.fetch(ACQUIRE_RUNS_OF_ACCOUNT, commands, most, lease_seconds, account_id)
    return sorted((Acquired(**row) for row in rows), key=lambda one: -one.waited_seconds)


RELEASE_RUNS = """
update trigger.run r
   set lease_id = null, lease_until = null
  from unnest($1::bigint[], $2::bigint[]) as n (run_id, lease_id)
 where r.run_id = n.run_id and r.lease_id = n.lease_id and r.state = 'PENDING'
"""


async def release(pool: asyncpg.Pool, leases: list[Acquired]) -> None:
    """Gives runs back that no runner got to see."""
    await pool.execute(RELEASE_RUNS, [one.run_id for one in leases], [one.lease_id for one in leases])


# The execution is locked before its run, as everywhere; the run's row is looked at again once it is locked itself.
START_RUN = """
with place as materialized (
    select e.execution_id
      from trigger.run x join trigger.execution e on e.execution_id = x.execution_id
     where x.run_id = $1 and x.lease_id = $2 and x.state = 'PENDING' and ($3::bigint is null or x.account_id = $3)
       for no key update of e
), started as (
    update trigger.run r
       set state = 'RUNNING', attempts = r.attempts + 1, started_at = clock_timestamp(),
           lease_until = clock_timestamp() + make_interval(secs => $4)
      from place p
     where r.run_id = $1 and r.execution_id = p.execution_id and r.lease_id = $2 and r.state = 'PENDING'
    returning r.run_id, r.execution_id, r.started_at
), going as (
    update trigger.execution e
       set state = 'RUNNING', started_at = s.started_at,
           deadline_at = s.started_at + make_interval(secs => (e.plan ->> 'timeout_seconds')::integer)
      from started s
     where e.execution_id = s.execution_id and e.state = 'PENDING'
), told as (
    insert into trigger.outbox (run_id, event_type, event_at, run_state, message, started_at)
    select s.run_id, 'job.run.started', s.started_at, 'RUNNING', '', s.started_at from started s
    on conflict (run_id, event_type) do nothing
)
select count(*) from started
"""


async def start(pool: asyncpg.Pool, lease: Lease, *, lease_seconds: float) -> bool:
    """Makes an acquired run RUNNING, its execution too, and announces it; False when there is nothing to start."""
    count = await pool.fetchval(START_RUN, lease.run_id, lease.lease_id, lease.account_id, lease_seconds)
    return bool(count)


READ_ORDER = """
select r.run_id, r.account_id, e.public_id as execution_id, r.command, r.slots, r.parameters, r.timeout_seconds, r.log_bytes,
       r.takes_payload as has_payload
  from trigger.run r
  join trigger.execution e on e.execution_id = r.execution_id
 where r.run_id = $1 and r.lease_id = $2 and r.state = 'RUNNING' and ($3::bigint is null or r.account_id = $3)
"""


async def order_of(pool: asyncpg.Pool, lease: Lease) -> Order | None:
    """What a run that was started under this lease executes; None when the lease is not the run's."""
    row = await pool.fetchrow(READ_ORDER, lease.run_id, lease.lease_id, lease.account_id)
    if row is None:
        return None
    return Order(**{**row, "slots": json.loads(row["slots"]), "parameters": json.loads(row["parameters"])})


KEEP_LEASES = """
with named as materialized (
    select n.run_id, n.lease_id from unnest($1::bigint[], $2::bigint[]) as n (run_id, lease_id)
), held as materialized (
    select r.run_id, r.lease_id, r.state, r.finished_at
      from trigger.run r join named n on n.run_id = r.run_id and n.lease_id = r.lease_id
     where $3::bigint is null or r.account_id = $3
     order by r.run_id
       for no key update of r
), kept as (
    update trigger.run r
       set lease_until = clock_timestamp() + make_interval(secs => $4)
      from held h
     where r.run_id = h.run_id and h.finished_at is null
)
select n.run_id
  from named n
 where not exists (select from held h where h.run_id = n.run_id and h.lease_id = n.lease_id and h.state <> 'CANCELLED')
"""


async def keep_leases(
    pool: asyncpg.Pool, leases: list[tuple[int, int]], *, account_id: int | None, lease_seconds: float
) -> list[int]:
    """Prolongs (run, lease) pairs; returns the runs whose lease is another by now, or that were cancelled."""
    rows = await pool.fetch(
        KEEP_LEASES, [run for run, _ in leases], [lease for _, lease in leases], account_id, lease_seconds
    )
    return [row["run_id"] for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What end_run answers. The other fields are set when it is FINISHED, the execution's state if it is final too."""

    answer: str
    account_id: int | None
    task_id: int | None
    execution_id: str | None
    attempts: int | None
    seconds: float | None
    execution_state: str | None


END_RUN = """
select answer, account_id, task_id, execution_id, attempts, seconds, execution_state
  from trigger.end_run($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def finish(
    pool: asyncpg.Pool, lease: Lease, ending: Ending, *, lost: bool = False, artifact_seconds: float
) -> Finished:
    """Makes a run final: FINISHED, REPEATED or LEASE_LOST. `lost` is the rescuer's word, `artifact_seconds` then 0."""
    [row] = await pool.fetch(
        END_RUN,
        lease.run_id,
        lease.lease_id,
        lease.account_id,
        lost,
        ending.state,
        ending.reason,
        ending.message,
        ending.exit_code,
        artifact_seconds,
        ending.summary or None,
    )
    return Finished(**row)
