"""Pauses a task or plan, or resumes it. Paused, calls are taken and windows close, and executions wait."""

import asyncpg

from chassis.errors import NotFound
from chassis.logs import get_logger
from trigger_svc.store import start as starts

log = get_logger()


async def pause_task(pool: asyncpg.Pool, account_id: int, task_id: int, *, paused: bool) -> None:
    """Repeatable. NotFound."""
    if task_id < 1 or not await starts.pause(pool, account_id, task_id=task_id, paused=paused):
        raise NotFound("TASK_NOT_FOUND", f"the account has no task {task_id}")
    log.info("task.paused" if paused else "task.resumed", account_id=account_id, task_id=task_id)


async def pause_plan(pool: asyncpg.Pool, account_id: int, plan_id: int, *, paused: bool) -> None:
    """Repeatable. NotFound."""
    if plan_id < 1 or not await starts.pause(pool, account_id, plan_id=plan_id, paused=paused):
        raise NotFound("PLAN_NOT_FOUND", f"the account has no plan {plan_id}")
    log.info("plan.paused" if paused else "plan.resumed", account_id=account_id, plan_id=plan_id)
