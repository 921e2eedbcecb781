"""Who saw a secret, threw calls away or deleted a trigger. Written in the transaction that it tells of, kept a year: so long
the executions of a deleted trigger are known by its id.
"""

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_svc.trigger import Trigger

INSERT_AUDIT = """
insert into trigger.audit (account_id, trigger_id, public_trigger_id, what, token_id) values ($1, $2, $3, $4, $5)
"""


async def note(connection: PoolConnectionProxy, trigger: Trigger, what: str, token_id: int | None) -> None:
    """Notes what somebody did with a trigger; `token_id` is None for one of our own processes."""
    await connection.execute(INSERT_AUDIT, trigger.account_id, trigger.trigger_id, trigger.public_id, what, token_id)


PRUNE_AUDIT = """
delete from trigger.audit
 where audit_id = any(array(select audit_id from trigger.audit
                             where happened_at < clock_timestamp() - interval '1 year' order by audit_id limit $1))
"""


async def prune(pool: asyncpg.Pool, *, most: int) -> int:
    """Forgets what is older than a year; how many."""
    status: str = await pool.execute(PRUNE_AUDIT, most)
    return int(status.rpartition(" ")[2])
