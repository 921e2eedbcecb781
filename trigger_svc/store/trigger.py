"""Triggers, read together with what their heads say of them."""

from dataclasses import dataclass

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_svc.trigger import NewTrigger, Trigger

INSERT_TRIGGER = """
insert into trigger.trigger (public_id, account_id, task_id, name, data_mode)
values ($1, $2, $3, $4, $5)
returning trigger_id, created_at
"""


async def insert(connection: PoolConnectionProxy, public_id: str, trigger: NewTrigger) -> Trigger:
    """Stores a trigger whose fields are good, but for its head. UniqueViolationError when its task has one already."""
    [row] = await connection.fetch(
        INSERT_TRIGGER, public_id, trigger.account_id, trigger.task_id, trigger.name, trigger.data_mode
    )
    return Trigger(
        trigger_id=row["trigger_id"],
        public_id=public_id,
        account_id=trigger.account_id,
        name=trigger.name,
        task_id=trigger.task_id,
        threshold=trigger.threshold,
        duration_seconds=trigger.duration_seconds,
        data_mode=trigger.data_mode,
        enabled=True,
        created_at=row["created_at"],
    )


FIND_TRIGGER = """
select t.trigger_id, t.public_id, t.account_id, t.task_id, t.name, t.data_mode, t.created_at, h.enabled, h.threshold,
       h.duration_seconds
  from trigger.trigger t join trigger.head h on h.trigger_id = t.trigger_id
 where t.public_id = $2 and t.account_id = $1
"""


async def find(pool: asyncpg.Pool, account_id: int, public_id: str) -> Trigger | None:
    """A trigger of the account."""
    row = await pool.fetchrow(FIND_TRIGGER, account_id, public_id)
    return None if row is None else Trigger(**row)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a token leads: a trigger, and what its windows may hold in bytes."""

    trigger_id: int
    max_bytes: int


FIND_TARGETS = """
select k.token_hash, k.trigger_id, h.max_bytes
  from trigger.token k join trigger.head h on h.trigger_id = k.trigger_id
 where k.token_hash = any($1::bytea[]) and (k.expires_at is null or k.expires_at > clock_timestamp())
"""


async def find_targets(pool: asyncpg.Pool, token_hashes: list[bytes]) -> dict[bytes, Target]:
    """The triggers behind token hashes, enabled or not; unknown hashes are missing in the answer."""
    rows = await pool.fetch(FIND_TARGETS, token_hashes)
    return {row["token_hash"]: Target(row["trigger_id"], row["max_bytes"]) for row in rows}


INSERT_TOKEN = "insert into trigger.token (token_hash, trigger_id, sealed) values ($1, $2, $3)"


async def insert_token(connection: PoolConnectionProxy, token_hash: bytes, trigger_id: int, sealed: bytes) -> None:
    """Makes a token lead to a trigger."""
    await connection.execute(INSERT_TOKEN, token_hash, trigger_id, sealed)
