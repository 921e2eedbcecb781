"""Table subscription.account. Its row is the lock under which an account's subscriptions and tokens are counted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from subscription_svc.account import Account
from subscription_svc.store import Connection

INSERT_ACCOUNT = """
insert into subscription.account (account_id, public_id, name)
values ($1, $2, $3)
on conflict (account_id) do nothing
"""

INSERT_NUMBERED = """
insert into subscription.account (account_id, public_id, name, plan)
values ($1, $2, $3, $4)
on conflict (account_id) do nothing
returning account_id, public_id, name, plan, created_at
"""

# Of two at once, the second waits for the first one's commit and makes nothing: it looks again for the highest.
INSERT_NEXT = """
insert into subscription.account (account_id, public_id, name, plan)
select coalesce(max(account_id), 0) + 1, $1, $2, $3
  from subscription.account
on conflict (account_id) do nothing
returning account_id, public_id, name, plan, created_at
"""

LOCK_ACCOUNT = """
select public_id, clock_timestamp() as now
  from subscription.account
 where account_id = $1
   for no key update
"""

READ_PLAN = "select plan from subscription.account where account_id = $1"

FIND = """
select account_id, public_id, name, plan, created_at
  from subscription.account
 where account_id = $1
"""

LIST_PAGE = """
select account_id, public_id, name, plan, created_at
  from subscription.account
 where account_id > $1
 order by account_id
 limit $2
"""

READ_CLOCK = "select clock_timestamp()"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedAccount:
    """An account in which nobody else makes anything until the transaction ends; `now` is the database's time."""

    public_id: str
    now: datetime


async def insert(connection: Connection, *, account_id: int, public_id: str, name: str) -> None:
    """Makes the account; leaves one of that number as it is."""
    await connection.execute(INSERT_ACCOUNT, account_id, public_id, name)


async def insert_numbered(
    connection: Connection, *, account_id: int, public_id: str, name: str, plan: str
) -> Account | None:
    """Makes the account; None when the number is taken."""
    row = await connection.fetchrow(INSERT_NUMBERED, account_id, public_id, name, plan)
    return None if row is None else _account(row)


async def insert_next(connection: Connection, *, public_id: str, name: str, plan: str) -> Account | None:
    """Makes an account above the highest; None when another took that number meanwhile: ask again."""
    row = await connection.fetchrow(INSERT_NEXT, public_id, name, plan)
    return None if row is None else _account(row)


async def lock(connection: Connection, account_id: int) -> LockedAccount | None:
    """The account, locked until the transaction ends; None when there is none."""
    row = await connection.fetchrow(LOCK_ACCOUNT, account_id)
    return None if row is None else LockedAccount(public_id=row["public_id"], now=row["now"])


async def plan(pool: asyncpg.Pool, account_id: int) -> str | None:
    """The account's plan, "enterprise" or "team"; None when there is no such account."""
    found: str | None = await pool.fetchval(READ_PLAN, account_id)
    return found


async def find(pool: asyncpg.Pool, account_id: int) -> Account | None:
    """The account of that number."""
    row = await pool.fetchrow(FIND, account_id)
    return None if row is None else _account(row)


async def page(pool: asyncpg.Pool, *, after: int, most: int) -> list[Account]:
    """Every account above a number, by number."""
    return [_account(row) for row in await pool.fetch(LIST_PAGE, after, most)]


async def now(connection: Connection | asyncpg.Pool) -> datetime:
    """The database's time."""
    moment: datetime = await connection.fetchval(READ_CLOCK)
    return moment


def _account(row: Any) -> Account:
    return Account(
        account_id=row["account_id"],
        public_id=row["public_id"],
        name=row["name"],
        plan=row["plan"],
        created_at=row["created_at"],
    )
