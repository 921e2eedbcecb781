"""Makes a webhook trigger with a secret URL of its own: trigger, head and token in one transaction."""

import hashlib

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from chassis.clock import DatabaseClock
from chassis.errors import AlreadyExists, FailedPrecondition, InvalidInput, NotFound
from chassis.ids import ksuid
from chassis.keyring import KeyRing
from trigger_svc.store import head as heads
from trigger_svc.store import task as tasks
from trigger_svc.store import trigger as triggers
from trigger_svc.task import PAYLOAD, Task
from trigger_svc.trigger import NewTrigger, Trigger, bad_fields, new_token
from trigger_svc.window import MOST_BYTES


async def create_trigger(
    pool: asyncpg.Pool, key_ring: KeyRing, clock: DatabaseClock, wanted: NewTrigger
) -> tuple[Trigger, str]:
    """Stores the trigger, enabled; returns it and its token.

    InvalidInput with every bad field; NotFound for the task; FailedPrecondition when the task does not take a payload;
    AlreadyExists when it has a trigger.
    """
    bad = list(bad_fields(wanted))
    if bad:
        raise InvalidInput(bad)
    public_id = "trg_" + ksuid(int(clock.now().timestamp()))
    token = new_token()
    async with pool.acquire() as connection, connection.transaction():
        task = await _startable_task(connection, wanted)
        made = await _insert(connection, public_id, wanted)
        await heads.insert(connection, made, max_bytes=MOST_BYTES[task.kind])
        sealed = key_ring.seal(token.encode(), f"trigger_token:{made.trigger_id}")
        await triggers.insert_token(connection, hashlib.sha256(token.encode()).digest(), made.trigger_id, sealed)
    return made, token


async def _startable_task(connection: PoolConnectionProxy, wanted: NewTrigger) -> Task:
    # Locked, so that the task never loses the parameter while its trigger comes into being.
    await tasks.lock(connection, wanted.account_id, wanted.task_id)
    task = await tasks.find(connection, wanted.account_id, wanted.task_id)
    if task is None:
        raise NotFound("TASK_NOT_FOUND", f"the account has no task {wanted.task_id}")
    if not task.takes_payload:
        raise FailedPrecondition(
            "PARAMETER_MISSING", f"task {wanted.task_id} does not declare the parameter {PAYLOAD}: add it to the task"
        )
    return task


async def _insert(connection: PoolConnectionProxy, public_id: str, wanted: NewTrigger) -> Trigger:
    try:
        return await triggers.insert(connection, public_id, wanted)
    except asyncpg.UniqueViolationError:
        raise AlreadyExists(
            "TRIGGER_EXISTS", f"task {wanted.task_id} has a trigger: copy the task to have another"
        ) from None
