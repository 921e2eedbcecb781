"""Erasures: their rows. What they change elsewhere is erasing.py's.

The columns after_published_at and after_event_id hold an erasure's Place and move in the step's transaction: no restart
leaves anything out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

import asyncpg

from delivery_svc.erasure import Erasure, NewErasure, Place, Step

# One at a time per account: whoever else begins one waits here, and then sees it.
LOCK = "select pg_advisory_xact_lock(hashtextextended('delivery.erasure', $1))"

INSERT_OF_ACCOUNT = """
insert into delivery.erasure (account_id, published_until)
select $1, least(coalesce($2::timestamptz, clock_timestamp()), clock_timestamp())
 where not exists (select from delivery.erasure r
                    where r.account_id = $1 and r.event_id is null and r.state = 'RUNNING')
returning erasure_id
"""

INSERT_OF_EVENT = """
insert into delivery.erasure (account_id, event_id, published_until) values ($1, $2, clock_timestamp())
returning erasure_id
"""

EVENT_KNOWN = "select exists (select from delivery.event e where e.event_id = $2 and e.account_id = $1)"

BY_ID = """
select r.erasure_id, r.account_id, r.event_id, r.state, r.published_until, r.erased, r.created_at, r.finished_at
  from delivery.erasure r
 where r.erasure_id = $1 and r.account_id = $2
"""

LIST = """
select r.erasure_id, r.account_id, r.event_id, r.state, r.published_until, r.erased, r.created_at, r.finished_at
  from delivery.erasure r
 where r.account_id = $1
 order by r.erasure_id desc
 limit $2
"""

# After the one that this pod looked at last, and around. An erasure waits for the transactions that may not have seen it
# begin: one that publishes, and then, before the queue is walked, one that puts a delivery back whose event was still whole.
NEXT = """
select r.erasure_id, r.account_id, r.event_id, r.published_until, r.after_published_at, r.after_event_id, r.erased
  from delivery.erasure r
 where r.state = 'RUNNING' and r.erasure_id <> all ($2::bigint[])
   and not exists (
       select from pg_stat_activity a
        where a.datname = current_database() and a.usename = current_user and a.pid <> pg_backend_pid()
          and a.xact_start < greatest(r.created_at,
                                      case when r.after_event_id like 'queue %' then r.after_published_at end))
 order by r.erasure_id <= $1, r.erasure_id
 limit 1 for update of r skip locked
"""

ADVANCE = """
update delivery.erasure
   set erased = erased + $2, after_published_at = $3, after_event_id = $4,
       state = case when $4::text is null then 'FINISHED' else 'RUNNING' end,
       finished_at = case when $4::text is null then clock_timestamp() end
 where erasure_id = $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An erasure under way, locked."""

    id: int
    account_id: int
    event_id: str | None
    published_until: datetime
    place: Place
    erased: int


async def insert_of_account(pool: asyncpg.Pool, wish: NewErasure) -> int | None:
    """The id of an erasure of all of the account's that runs from now on; None while another one does."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK, wish.account_id)
        return cast("int | None", await connection.fetchval(INSERT_OF_ACCOUNT, wish.account_id, wish.published_before))


async def insert_of_event(pool: asyncpg.Pool, wish: NewErasure) -> int:
    """The id of an erasure of one event that runs from now on."""
    return cast(int, await pool.fetchval(INSERT_OF_EVENT, wish.account_id, wish.event_id))


async def event_known(pool: asyncpg.Pool, account_id: int, event_id: str) -> bool:
    """Whether the account has this event."""
    return cast(bool, await pool.fetchval(EVENT_KNOWN, account_id, event_id))


async def by_id(pool: asyncpg.Pool, account_id: int, erasure_id: int) -> Erasure | None:
    """One of the account's."""
    row = await pool.fetchrow(BY_ID, erasure_id, account_id)
    return None if row is None else _erasure(row)


async def newest(pool: asyncpg.Pool, account_id: int, most: int) -> list[Erasure]:
    """An account's, newest first."""
    return [_erasure(row) for row in await pool.fetch(LIST, account_id, most)]


async def lock_next(connection: asyncpg.Connection, after: int, resting: list[int]) -> Running | None:
    """Locks the next one after that id (and around) that no other pod has and that is not `resting`."""
    row = await connection.fetchrow(NEXT, after, resting)
    if row is None:
        return None
    return Running(
        id=row["erasure_id"],
        account_id=row["account_id"],
        event_id=row["event_id"],
        published_until=row["published_until"],
        place=Place.read(row["after_published_at"], row["after_event_id"]),
        erased=row["erased"],
    )


async def advance(connection: asyncpg.Connection, erasure_id: int, step: Step) -> None:
    """Notes what a step did."""
    place = step.place
    if place is None:
        await connection.execute(ADVANCE, erasure_id, step.erased, None, None)
    else:
        await connection.execute(ADVANCE, erasure_id, step.erased, place.moment, str(place))


def _erasure(row: asyncpg.Record) -> Erasure:
    return Erasure(
        id=row["erasure_id"],
        account_id=row["account_id"],
        event_id=row["event_id"],
        state=row["state"],
        published_before=row["published_until"],
        erased=row["erased"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
    )
