"""Table subscription.subscription, read together with what delivery_svc knows of each endpoint (a declared read)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from subscription_svc.store import Connection
from subscription_svc.subscription import Configuration, Subscription

#: Names a subscription to its account: account id, public id.
Key = tuple[int, str]

COUNT_OF_ACCOUNT = """
select count(*)
  from subscription.subscription
 where account_id = $1
   and deleted_at is null
"""

INSERT_SUBSCRIPTION = """
insert into subscription.subscription
       (public_id, account_id, name, description, job_ids, event_types, client_url, active, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
returning id
"""

# By public ids alone: given accounts too, the planner may read all that an account has.
FIND = """
select s.id, s.public_id, s.account_id, a.public_id as account_identifier, s.name, s.description, s.job_ids,
       s.event_types, s.client_url, s.active, s.deactivate_reason, s.created_at, s.updated_at, s.version,
       l.last_status_code, l.last_attempt_at
  from subscription.subscription s
  join subscription.account a on a.account_id = s.account_id
  left join delivery.lane l on l.subscription_id = s.id
 where s.public_id = any ($1::text[])
   and s.deleted_at is null
"""

FIND_AND_LOCK = """
select s.id, s.public_id, s.account_id, a.public_id as account_identifier, s.name, s.description, s.job_ids,
       s.event_types, s.client_url, s.active, s.deactivate_reason, s.created_at, s.updated_at, s.version,
       l.last_status_code, l.last_attempt_at
  from subscription.subscription s
  join subscription.account a on a.account_id = s.account_id
  left join delivery.lane l on l.subscription_id = s.id
 where s.public_id = $2
   and s.account_id = $1
   and s.deleted_at is null
   for no key update of s
"""

# One statement, so that page and total are of one moment; a page past the end is one row of nulls with the total.
LIST_PAGE = """
select t.total_size, p.id, p.public_id, p.account_id, p.account_identifier, p.name, p.description, p.job_ids,
       p.event_types, p.client_url, p.active, p.deactivate_reason, p.created_at, p.updated_at, p.version,
       p.last_status_code, p.last_attempt_at
  from (select count(*) as total_size
          from subscription.subscription
         where account_id = $1
           and deleted_at is null) t
  left join (select s.id, s.public_id, s.account_id, a.public_id as account_identifier, s.name, s.description,
                    s.job_ids, s.event_types, s.client_url, s.active, s.deactivate_reason, s.created_at, s.updated_at,
                    s.version, l.last_status_code, l.last_attempt_at
               from subscription.subscription s
               join subscription.account a on a.account_id = s.account_id
               left join delivery.lane l on l.subscription_id = s.id
              where s.account_id = $1
                and s.deleted_at is null
              order by s.id
              limit $2 offset $3) p on true
 order by p.id
"""

UPDATE_SUBSCRIPTION = """
update subscription.subscription
   set name = $2, description = $3, job_ids = $4, event_types = $5, client_url = $6, active = $7,
       deactivate_reason = $8, version = version + 1, updated_at = clock_timestamp()
 where id = $1
returning updated_at, version
"""

# updated_at stays: it tells of the configuration, and what is changed beside it is not shown there.
RAISE_VERSION = """
update subscription.subscription
   set version = version + 1
 where public_id = $2
   and account_id = $1
   and deleted_at is null
returning id
"""

DEACTIVATE = """
update subscription.subscription
   set active = false, deactivate_reason = $4, version = version + 1
 where public_id = $2
   and account_id = $1
   and version = $3
   and active
   and deleted_at is null
returning id
"""

WAS_DEACTIVATED = """
select exists (select from subscription.subscription
                where public_id = $2
                  and account_id = $1
                  and version - 1 = $3
                  and deactivate_reason is not null
                  and deleted_at is null)
"""

MARK_DELETED = """
update subscription.subscription
   set deleted_at = clock_timestamp(), updated_at = clock_timestamp(), active = false, version = version + 1
 where public_id = $2
   and account_id = $1
   and deleted_at is null
returning id
"""


async def count(connection: Connection, account_id: int) -> int:
    """How many subscriptions the account has."""
    found: int = await connection.fetchval(COUNT_OF_ACCOUNT, account_id)
    return found


async def insert(connection: Connection, *, public_id: str, account_id: int, wish: Configuration, now: datetime) -> int:
    """Makes a subscription; returns its inner id."""
    made: int = await connection.fetchval(
        INSERT_SUBSCRIPTION,
        public_id,
        account_id,
        wish.name,
        wish.description,
        wish.job_ids,
        wish.event_types,
        wish.client_url,
        wish.active,
        now,
    )
    return made


async def find(pool: asyncpg.Pool, keys: Sequence[Key]) -> dict[Key, Subscription]:
    """The subscriptions that these keys name; a key with another account than the subscription's names none."""
    rows = await pool.fetch(FIND, [public_id for _, public_id in keys])
    return {(row["account_id"], row["public_id"]): _subscription(row) for row in rows}


async def find_and_lock(connection: Connection, account_id: int, public_id: str) -> Subscription | None:
    """The same, kept from other writers until the transaction ends."""
    row = await connection.fetchrow(FIND_AND_LOCK, account_id, public_id)
    return None if row is None else _subscription(row)


async def page(pool: asyncpg.Pool, account_id: int, *, limit: int, offset: int) -> tuple[list[Subscription], int]:
    """One page in the order of making, and how many there are in all."""
    rows = await pool.fetch(LIST_PAGE, account_id, limit, offset)
    return [_subscription(row) for row in rows if row["id"] is not None], rows[0]["total_size"]


async def update(
    connection: Connection, subscription_id: int, wish: Configuration, deactivate_reason: str | None
) -> tuple[datetime, int]:
    """Replaces the configuration; returns the time of the change and the version that it made."""
    changed = await connection.fetchrow(
        UPDATE_SUBSCRIPTION,
        subscription_id,
        wish.name,
        wish.description,
        wish.job_ids,
        wish.event_types,
        wish.client_url,
        wish.active,
        deactivate_reason,
    )
    assert changed is not None  # it is locked
    return changed["updated_at"], changed["version"]


async def raise_version(connection: Connection, account_id: int, public_id: str) -> int | None:
    """Lets delivery_svc read the subscription anew, and keeps other writers from it until the transaction ends.

    Returns its inner id, None when there is none.
    """
    found: int | None = await connection.fetchval(RAISE_VERSION, account_id, public_id)
    return found


async def deactivate(
    connection: Connection, account_id: int, public_id: str, *, version: int, reason: str
) -> int | None:
    """Sets it inactive if it is active at this version; returns its inner id, None when it was left alone."""
    found: int | None = await connection.fetchval(DEACTIVATE, account_id, public_id, version, reason)
    return found


async def was_deactivated(connection: Connection, account_id: int, public_id: str, *, version: int) -> bool:
    """Whether it is as a deactivation of this version left it."""
    return bool(await connection.fetchval(WAS_DEACTIVATED, account_id, public_id, version))


async def mark_deleted(connection: Connection, account_id: int, public_id: str) -> int | None:
    """Takes the subscription from its account; returns its inner id, None when there is none."""
    marked: int | None = await connection.fetchval(MARK_DELETED, account_id, public_id)
    return marked


def _subscription(row: Any) -> Subscription:
    return Subscription(
        id=row["id"],
        public_id=row["public_id"],
        account_id=row["account_id"],
        account_identifier=row["account_identifier"],
        configuration=Configuration(
            name=row["name"],
            description=row["description"],
            job_ids=tuple(row["job_ids"]),
            event_types=tuple(row["event_types"]),
            client_url=row["client_url"],
            active=row["active"],
        ),
        deactivate_reason=row["deactivate_reason"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
        last_status_code=row["last_status_code"] or 0,
        last_attempt_at=row["last_attempt_at"],
    )
