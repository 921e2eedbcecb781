"""Makes a trigger: with its target's row, and of a webhook with head, token and secrets, in one transaction."""

import hashlib

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from chassis.clock import DatabaseClock
from chassis.errors import AlreadyExists, BadField, DomainError, InvalidInput, NotFound, ResourceExhausted
from chassis.ids import ksuid
from chassis.keyring import KeyRing
from trigger_svc.configure_trigger import lock_target, past
from trigger_svc.store import attached, secret
from trigger_svc.store import head as heads
from trigger_svc.store import plan_config as plans
from trigger_svc.store import target as targets
from trigger_svc.store import task as tasks
from trigger_svc.store import trigger as triggers
from trigger_svc.task import PAYLOAD
from trigger_svc.trigger import MOST_SCHEDULES, NewTrigger, Trigger, bad_fields, new_token, next_start


async def create_trigger(
    pool: asyncpg.Pool, key_ring: KeyRing, clock: DatabaseClock, wanted: NewTrigger
) -> tuple[Trigger, str]:
    """Stores the trigger, enabled; returns it and its token, empty unless it is a webhook.

    InvalidInput with every bad field, also when nothing takes its payload; NotFound for the task or plan; AlreadyExists when
    that has a webhook, or triggers that exclude this one; ResourceExhausted when it has as many as it may.
    """
    now = clock.now()
    bad = list(bad_fields(wanted, now))
    if wanted.start_at is not None and wanted.start_at <= now and not bad:
        bad.append(past())
    if bad:
        raise InvalidInput(bad)
    public_id = "trg_" + ksuid(int(now.timestamp()))
    token = new_token() if wanted.is_webhook else ""
    async with pool.acquire() as connection, connection.transaction():
        await _hold_target(connection, wanted)
        max_bytes = await _most_bytes(connection, wanted) if wanted.is_webhook else 0
        trigger_id = await _insert(connection, public_id, wanted, clock)
        if wanted.is_webhook:
            await heads.insert(connection, trigger_id, wanted, max_bytes=max_bytes)
            sealed = key_ring.seal(token.encode(), f"trigger_token:{trigger_id}")
            await secret.insert_token(connection, hashlib.sha256(token.encode()).digest(), trigger_id, sealed)
            texts = [one.encode() for one in wanted.verification_secrets]
            await secret.replace_verification_secrets(
                connection, trigger_id, [key_ring.seal(one, f"verification:{trigger_id}") for one in texts]
            )
        made = await triggers.find(connection, wanted.account_id, public_id)
    assert made is not None
    return made, token


async def _hold_target(connection: PoolConnectionProxy, wanted: NewTrigger) -> None:
    # Locked, so that the target never loses the parameter while its trigger comes into being, nor gets one too many.
    await lock_target(connection, wanted)
    if wanted.plan_id:
        plan = await plans.find(connection, wanted.account_id, wanted.plan_id)
        if plan is None:
            raise NotFound("PLAN_NOT_FOUND", f"the account has no plan {wanted.plan_id}")
        await plans.lock_tasks(connection, wanted.account_id, plan)
    elif await tasks.find(connection, wanted.account_id, wanted.task_id) is None:
        raise NotFound("TASK_NOT_FOUND", f"the account has no task {wanted.task_id}")
    if not wanted.is_webhook:
        has = await triggers.count(connection, task_id=wanted.task_id, plan_id=wanted.plan_id)
        if has >= MOST_SCHEDULES:
            raise ResourceExhausted("TOO_MANY_TRIGGERS", f"it has {has} triggers: delete one, or copy the task or plan")


async def _most_bytes(connection: PoolConnectionProxy, wanted: NewTrigger) -> int:
    found = await attached.most_bytes(connection, task_id=wanted.task_id, plan_id=wanted.plan_id)
    if found is not None:
        return found
    if wanted.plan_id:
        bad = BadField("trigger.plan_id", f"no task of the plan's first step declares the parameter {PAYLOAD}")
    else:
        bad = BadField("trigger.task_id", f"the task does not declare the parameter {PAYLOAD}: add it to the task")
    raise InvalidInput([bad], reason="PARAMETER_MISSING")


async def _insert(connection: PoolConnectionProxy, public_id: str, wanted: NewTrigger, clock: DatabaseClock) -> int:
    try:
        await targets.insert(connection, wanted.target, wanted.sort)
        return await triggers.insert(connection, public_id, wanted, next_start_at=next_start(wanted, clock.now()))
    except asyncpg.UniqueViolationError:
        raise taken("TRIGGER_EXISTS", "it has a webhook") from None
    except asyncpg.ForeignKeyViolationError:
        has = "other triggers, which exclude a webhook" if wanted.is_webhook else "a webhook, which excludes all others"
        raise taken("TRIGGERS_EXCLUDED", f"it has {has}") from None


def taken(reason: str, what: str) -> DomainError:
    """The target's triggers leave no room for this one."""
    return AlreadyExists(reason, f"{what}: copy the task or plan to have both")
