"""Table subscription.account. Its row is the lock under which an account's subscriptions are counted."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from subscription_svc.store import Connection

INSERT_ACCOUNT = """
insert into subscription.account (account_id, public_id, name)
values ($1, $2, $3)
on conflict (account_id) do nothing
"""

LOCK_ACCOUNT = """
select public_id, clock_timestamp() as now
  from subscription.account
 where account_id = $1
   for no key update
"""

READ_PLAN = "select plan from subscription.account where account_id = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedAccount:
    """An account whose subscriptions nobody else makes until the transaction ends; `now` is the database's time."""

    public_id: str
    now: datetime


async def insert(connection: Connection, *, account_id: int, public_id: str, name: str) -> None:
    """Makes the account; leaves one of that number as it is."""
    await connection.execute(INSERT_ACCOUNT, account_id, public_id, name)


async def lock(connection: Connection, account_id: int) -> LockedAccount | None:
    """The account, locked until the transaction ends; None when there is none."""
    row = await connection.fetchrow(LOCK_ACCOUNT, account_id)
    return None if row is None else LockedAccount(public_id=row["public_id"], now=row["now"])


async def plan(pool: asyncpg.Pool, account_id: int) -> str | None:
    """The account's plan, "enterprise" or "team"; None when there is no such account."""
    found: str | None = await pool.fetchval(READ_PLAN, account_id)
    return found
