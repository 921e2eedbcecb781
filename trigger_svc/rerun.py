"""Executes again what was executed, with the identical payload: all of it, or a plan from the step that failed."""

import asyncpg

from chassis.clock import DatabaseClock
from chassis.errors import FailedPrecondition, NotFound
from chassis.ids import is_id
from trigger_svc.execution import Execution
from trigger_svc.read_payload import is_kept, payload_gone
from trigger_svc.start_execution import made, new_execution_id
from trigger_svc.store import start as starts


async def rerun(
    pool: asyncpg.Pool, clock: DatabaseClock, account_id: int, execution_id: str, *, from_failed_step: bool
) -> Execution:
    """The new execution.

    NotFound; FailedPrecondition NOT_FINISHED, NO_FAILED_STEP, TARGET_MISSING, PAYLOAD_GONE; ResourceExhausted QUEUE_LIMIT.
    """
    if not is_id("exe_", execution_id):
        raise _not_found()
    if not from_failed_step and not await is_kept(pool, account_id, execution_id):
        raise payload_gone()
    started = await starts.rerun(
        pool,
        new_execution_id(clock),
        account_id=account_id,
        execution_id=execution_id,
        from_failed_step=from_failed_step,
    )
    match started.answer:
        case "NOT_FOUND":
            raise _not_found()
        case "NOT_FINISHED":
            raise FailedPrecondition("NOT_FINISHED", "the execution is still under way: wait for its end or cancel it")
        case "NO_FAILED_STEP":
            raise FailedPrecondition("NO_FAILED_STEP", "no step of it failed: rerun it from the first one")
    return await made(pool, account_id, started)


def _not_found() -> NotFound:
    return NotFound("EXECUTION_NOT_FOUND", "the account has no such execution")
