"""Table subscription.secret_setting: what else of a subscription is secret, a row a kind. Only sealed values enter it."""

from dataclasses import dataclass

import asyncpg

from subscription_svc.store import Connection

SET = """
insert into subscription.secret_setting (subscription_id, kind, sealed, told)
values ($1, $2, $3, $4)
on conflict (subscription_id, kind) do update set sealed = excluded.sealed, told = excluded.told
"""

DELETE = "delete from subscription.secret_setting where subscription_id = $1 and kind = $2"

DELETE_OF_SUBSCRIPTION = "delete from subscription.secret_setting where subscription_id = $1"

FIND = """
select s.id, h.sealed, h.told
  from subscription.subscription s
  left join subscription.secret_setting h on h.subscription_id = s.id and h.kind = $3
 where s.public_id = $2
   and s.account_id = $1
   and s.deleted_at is null
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSetting:
    """A subscription's setting of one kind; `sealed` is None when it is not set. `told` is JSON of what may be told of it."""

    subscription_id: int
    sealed: bytes | None
    told: str | None


async def put(
    connection: Connection, subscription_id: int, kind: str, sealed: bytes, *, told: str | None = None
) -> None:
    """Sets it, in the place of what was set. `told` is JSON of what anybody who may read the subscription may know."""
    await connection.execute(SET, subscription_id, kind, sealed, told)


async def delete(connection: Connection, subscription_id: int, kind: str) -> None:
    """Takes it away."""
    await connection.execute(DELETE, subscription_id, kind)


async def delete_of(connection: Connection, subscription_id: int) -> None:
    """Forgets a subscription's settings of every kind."""
    await connection.execute(DELETE_OF_SUBSCRIPTION, subscription_id)


async def find(pool: asyncpg.Pool, account_id: int, public_id: str, kind: str) -> SealedSetting | None:
    """The setting of one of the account's subscriptions; None when there is no such subscription."""
    row = await pool.fetchrow(FIND, account_id, public_id, kind)
    return None if row is None else SealedSetting(subscription_id=row["id"], sealed=row["sealed"], told=row["told"])
