"""Makes a webhook trigger with a secret URL of its own: trigger, head and token in one transaction."""

from datetime import datetime

import asyncpg

from chassis.clock import DatabaseClock
from chassis.errors import AlreadyExists, FailedPrecondition, InvalidInput, NotFound
from chassis.ids import ksuid
from chassis.keyring import KeyRing
from trigger_svc.store import head as heads
from trigger_svc.store import task as tasks
from trigger_svc.store import trigger as triggers
from trigger_svc.task import PAYLOAD, Task
from trigger_svc.trigger import NewTrigger, Trigger, bad_fields, new_token, token_hash
from trigger_svc.window import MOST_BYTES


async def create_trigger(
    pool: asyncpg.Pool, key_ring: KeyRing, clock: DatabaseClock, trigger: NewTrigger
) -> tuple[Trigger, str]:
    """Stores the trigger, enabled; returns it and its token.

    InvalidInput with every bad field; NotFound for the task; FailedPrecondition when the task does not take a payload;
    AlreadyExists when it has a trigger.
    """
    bad = list(bad_fields(trigger))
    if bad:
        raise InvalidInput(bad)
    token = new_token()
    public_id = "trg_" + ksuid(int(clock.now().timestamp()))
    async with pool.acquire() as connection, connection.transaction():
        # Shared, so that a task never loses the parameter while its trigger comes into being.
        await tasks.lock(connection, trigger.account_id, trigger.task_id)
        task = _startable(await tasks.find(connection, trigger.account_id, trigger.task_id), trigger.task_id)
        try:
            trigger_id, created_at = await triggers.insert(connection, public_id, trigger)
        except asyncpg.UniqueViolationError:
            raise AlreadyExists(
                "TRIGGER_EXISTS", f"task {trigger.task_id} has a trigger: copy the task to have another"
            ) from None
        await heads.insert(
            connection,
            trigger_id,
            account_id=trigger.account_id,
            threshold=trigger.threshold,
            duration_seconds=int(trigger.duration_seconds),
            max_bytes=MOST_BYTES[task.kind],
        )
        hashed = token_hash(token)
        assert hashed is not None
        await triggers.insert_token(
            connection, hashed, trigger_id, key_ring.seal(token.encode(), f"trigger_token:{trigger_id}")
        )
    return _made(trigger, trigger_id, public_id, created_at), token


def _made(trigger: NewTrigger, trigger_id: int, public_id: str, created_at: datetime) -> Trigger:
    return Trigger(
        trigger_id=trigger_id,
        public_id=public_id,
        account_id=trigger.account_id,
        name=trigger.name,
        task_id=trigger.task_id,
        threshold=trigger.threshold,
        duration_seconds=trigger.duration_seconds,
        data_mode=trigger.data_mode,
        enabled=True,
        created_at=created_at,
    )


def _startable(task: Task | None, task_id: int) -> Task:
    if task is None:
        raise NotFound("TASK_NOT_FOUND", f"the account has no task {task_id}")
    if not task.takes_payload:
        raise FailedPrecondition(
            "PARAMETER_MISSING", f"task {task_id} does not declare the parameter {PAYLOAD}: add it to the task"
        )
    return task
