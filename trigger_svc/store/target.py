"""Of which sort a target's triggers are: one webhook, or schedules.

Invariant: a trigger refers to its target's row with its own sort, so that the foreign key `trigger_sort` refuses the other one.
"""

from asyncpg.pool import PoolConnectionProxy

INSERT_TARGET = "insert into trigger.target (target, sort) values ($1, $2) on conflict do nothing"


async def insert(connection: PoolConnectionProxy, target: str, sort: str) -> None:
    """Makes the row of a target such as "task:7", unless it has one; of which sort that is, the foreign key asks."""
    await connection.execute(INSERT_TARGET, target, sort)


DELETE_TARGET = """
delete from trigger.target t where t.target = $1 and not exists (select from trigger.trigger g where g.target = $1)
"""


async def delete_if_free(connection: PoolConnectionProxy, target: str) -> None:
    """Deletes the row of a target that has no trigger left, so that it may have the other sort. Under the target's lock."""
    await connection.execute(DELETE_TARGET, target)
