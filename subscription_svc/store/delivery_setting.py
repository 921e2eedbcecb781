"""Table subscription.delivery_setting: how a subscription is delivered to, where that is not as the platform has it."""

import asyncpg

from subscription_svc.delivery_settings import DeliverySettings
from subscription_svc.store import Connection

SET = """
insert into subscription.delivery_setting (subscription_id, retry_delays, retry_jitter, concurrency, rate_per_second)
values ($1, $2, $3, $4, $5)
on conflict (subscription_id) do update
   set retry_delays = excluded.retry_delays, retry_jitter = excluded.retry_jitter, concurrency = excluded.concurrency,
       rate_per_second = excluded.rate_per_second
"""

DELETE = "delete from subscription.delivery_setting where subscription_id = $1"

FIND = """
select d.retry_delays, d.retry_jitter, d.concurrency, d.rate_per_second
  from subscription.subscription s
  left join subscription.delivery_setting d on d.subscription_id = s.id
 where s.public_id = $2
   and s.account_id = $1
   and s.deleted_at is null
"""


async def put(connection: Connection, subscription_id: int, settings: DeliverySettings) -> None:
    """Sets them, in the place of what was set."""
    await connection.execute(
        SET,
        subscription_id,
        settings.retry_delays,
        settings.retry_jitter,
        settings.concurrency,
        settings.rate_per_second,
    )


async def delete(connection: Connection, subscription_id: int) -> None:
    """Leaves everything to the platform."""
    await connection.execute(DELETE, subscription_id)


async def find(pool: asyncpg.Pool, account_id: int, public_id: str) -> DeliverySettings | None:
    """Those of one of the account's subscriptions; None when there is no such subscription."""
    row = await pool.fetchrow(FIND, account_id, public_id)
    if row is None:
        return None
    delays = row["retry_delays"]
    return DeliverySettings(
        retry_delays=None if delays is None else tuple(delays),
        retry_jitter=row["retry_jitter"],
        concurrency=row["concurrency"],
        rate_per_second=row["rate_per_second"],
    )
