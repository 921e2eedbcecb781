"""Closes one trigger's open window by hand: one function call, so that no lock waits for a pod."""

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_svc.store.window import Closed, closed_of

CLOSE_WINDOW = """
select what, trigger_id, window_id, public_trigger_id, execution_id, reason, size, seconds
  from trigger.close_window($1, $2, $3)
"""


async def close(
    connection: asyncpg.Pool | PoolConnectionProxy, trigger_id: int, reason: str, execution_id: str
) -> Closed | None:
    """Closes the window with this reason and the execution of this new id; None when none is open. `flush` or `disabled`."""
    row = await connection.fetchrow(CLOSE_WINDOW, trigger_id, reason, [execution_id])
    return None if row is None else closed_of(row)


async def discard(connection: PoolConnectionProxy, trigger_id: int) -> bool:
    """Throws the open window and its calls away; whether there was one."""
    return await connection.fetchrow(CLOSE_WINDOW, trigger_id, "discarded", []) is not None
