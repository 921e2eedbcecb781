"""Cancels an execution: what waits never starts, what runs is killed by its runner at its next heartbeat."""

import asyncpg

from chassis.errors import FailedPrecondition, NotFound
from chassis.ids import is_id
from chassis.logs import get_logger
from trigger_svc import look_up, metrics
from trigger_svc.execution import Execution
from trigger_svc.finish_run import count_ended_last
from trigger_svc.store import start as starts

log = get_logger()


async def cancel(pool: asyncpg.Pool, account_id: int, execution_id: str) -> Execution:
    """The execution, CANCELLED. Repeatable. NotFound; FailedPrecondition FINISHED when it is final otherwise."""
    answer = await starts.cancel(pool, account_id, execution_id) if is_id("exe_", execution_id) else "NOT_FOUND"
    if answer == "NOT_FOUND":
        raise NotFound("EXECUTION_NOT_FOUND", "the account has no such execution")
    if answer == "FINISHED":
        raise FailedPrecondition("FINISHED", "the execution has ended already")
    found = await look_up.execution(pool, account_id, execution_id)
    if answer == "CANCELLED":
        metrics.executions_finished("CANCELLED").inc()
        count_ended_last(found)
        log.info("execution.cancelled", account_id=account_id, execution_id=execution_id)
    return found
