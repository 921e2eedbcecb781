"""Executions that have not begun for longer than they may wait.

The time is read first and given as a parameter: an index takes no volatile call.
"""

from datetime import datetime

import asyncpg

READ_LIMIT = "select clock_timestamp() - make_interval(days => $1)"


async def read_limit(pool: asyncpg.Pool, *, days: int) -> datetime:
    """When what has now waited for so many days was made."""
    limit: datetime = await pool.fetchval(READ_LIMIT, days)
    return limit


FIND_WAITING = """
select execution_id
  from trigger.execution
 where state = 'PENDING' and finished_at is null and created_at <= $1
 order by created_at
 limit $2
"""


async def find(pool: asyncpg.Pool, before: datetime, *, most: int) -> list[int]:
    """Those made by then that have not begun; who acts on one looks again under its lock."""
    return [row["execution_id"] for row in await pool.fetch(FIND_WAITING, before, most)]


GIVE_UP_WAITING = "select trigger.give_up_waiting($1, $2)"


async def give_up(pool: asyncpg.Pool, execution_id: int, before: datetime) -> bool:
    """Rejects one, its payload kept; False when it began or ended meanwhile."""
    given_up: bool = await pool.fetchval(GIVE_UP_WAITING, execution_id, before)
    return given_up
