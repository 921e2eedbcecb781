"""Starts an execution by hand: for whom a secret URL is not enough. Repeatable by its request id."""

import hashlib
import json

import asyncpg

from chassis.clock import DatabaseClock
from chassis.errors import AlreadyExists, FailedPrecondition, InvalidInput, NotFound, ResourceExhausted
from chassis.ids import ksuid
from trigger_svc import look_up, metrics
from trigger_svc.execution import Execution, Takers, Wish, bad_fields, bad_for
from trigger_svc.store import start as starts
from trigger_svc.store.start import Started
from trigger_svc.task import PAYLOAD
from trigger_svc.window import MOST_BYTES


async def start_execution(pool: asyncpg.Pool, clock: DatabaseClock, wish: Wish) -> Execution:
    """The execution as stored: PENDING, or REJECTED by the queue limit.

    InvalidInput with every bad field; NotFound for task or plan; AlreadyExists REQUEST_ID_TAKEN; ResourceExhausted QUEUE_LIMIT.
    """
    bad = list(bad_fields(wish))
    if bad:
        raise InvalidInput(bad)
    takers = await starts.takers(pool, wish.account_id, task_id=wish.task_id, plan_id=wish.plan_id)
    if not takers:
        raise _no_target(wish)
    bad = list(bad_for(wish, takers_of(takers)))
    if bad:
        raise InvalidInput(bad)
    started = await starts.start(
        pool,
        new_execution_id(clock),
        account_id=wish.account_id,
        task_id=wish.task_id,
        plan_id=wish.plan_id,
        cause="manual",
        run_reason=wish.reason,
        parameters=wish.parameters,
        payload=wish.payload,
        request_id=wish.request_id,
        request_hash=request_hash(wish) if wish.request_id else None,
    )
    if started.answer == "REQUEST_ID_TAKEN":
        raise AlreadyExists("REQUEST_ID_TAKEN", "another execution was asked for under this request id")
    if started.answer == "TARGET_MISSING":
        raise _no_target(wish)
    return await made(pool, wish.account_id, started)


async def made(pool: asyncpg.Pool, account_id: int, started: Started) -> Execution:
    """The execution that was made or found. ResourceExhausted QUEUE_LIMIT when there is none for want of room."""
    if started.answer == "QUEUE_FULL":
        raise ResourceExhausted(
            "QUEUE_LIMIT",
            "as many executions as its queue limit allows wait or run: call again later",
            retry_after=60.0,
        )
    if started.execution_id is None:
        raise FailedPrecondition("TARGET_MISSING", "the task or plan is not there any more")
    if started.answer == "STARTED" and started.state == "FAILED":
        metrics.executions_finished("FAILED").inc()
    return await look_up.execution(pool, account_id, started.execution_id)


def new_execution_id(clock: DatabaseClock) -> str:
    """A new public id."""
    return "exe_" + ksuid(int(clock.now().timestamp()))


def takers_of(tasks: list[tuple[str, list[str]]]) -> Takers:
    """What tasks of these kinds with these parameters take together; the payload must fit each that takes it."""
    limits = [MOST_BYTES[kind] for kind, names in tasks if PAYLOAD in names]
    return Takers(
        parameters=frozenset(name for _, names in tasks for name in names if name != PAYLOAD),
        payload_bytes=min(limits, default=0),
    )


def request_hash(wish: Wish) -> bytes:
    """What a request id is bound to: SHA-256 of all that was asked for."""
    about = [wish.task_id, wish.plan_id, sorted(wish.parameters.items()), wish.reason]
    return hashlib.sha256(json.dumps(about).encode() + b"\n" + wish.payload).digest()


def _no_target(wish: Wish) -> NotFound:
    if wish.plan_id:
        return NotFound("PLAN_NOT_FOUND", f"the account has no plan {wish.plan_id}")
    return NotFound("TASK_NOT_FOUND", f"the account has no task {wish.task_id}")
