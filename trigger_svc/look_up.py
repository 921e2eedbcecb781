"""Reads what an account has; what is another account's is not there."""

import asyncpg

from chassis import paging
from chassis.errors import InvalidInput, NotFound
from chassis.ids import is_id
from trigger_svc.execution import Execution, Wanted, bad_wanted
from trigger_svc.run import Run
from trigger_svc.store import execution as executions
from trigger_svc.store import execution_list
from trigger_svc.store import task as tasks
from trigger_svc.store import trigger as triggers
from trigger_svc.task import Task
from trigger_svc.trigger import Trigger


async def task(pool: asyncpg.Pool, account_id: int, task_id: int) -> Task:
    """A task; NotFound."""
    found = await tasks.find(pool, account_id, task_id)
    if found is None:
        raise NotFound("TASK_NOT_FOUND", f"the account has no task {task_id}")
    return found


async def trigger(pool: asyncpg.Pool, account_id: int, public_id: str) -> Trigger:
    """A trigger; NotFound."""
    found = await triggers.find(pool, account_id, public_id) if is_id("trg_", public_id) else None
    if found is None:
        raise NotFound("TRIGGER_NOT_FOUND", "the account has no such trigger")
    return found


async def execution(pool: asyncpg.Pool, account_id: int, public_id: str) -> Execution:
    """An execution with its runs; NotFound."""
    found = await executions.find(pool, account_id, public_id) if is_id("exe_", public_id) else None
    if found is None:
        raise NotFound("EXECUTION_NOT_FOUND", "the account has no such execution")
    return found


async def list_executions(
    pool: asyncpg.Pool, account_id: int, wanted: Wanted, *, page_size: int, page_token: str
) -> tuple[list[Execution], str]:
    """A page of those that are wanted, newest first, and the token of the next. InvalidInput."""
    bad = list(bad_wanted(wanted))
    if bad:
        raise InvalidInput(bad)
    page = paging.asked("executions", page_size=page_size, page_token=page_token, newest_first=True)
    source = None
    if wanted.trigger_id:
        source = await execution_list.source(pool, account_id, wanted.trigger_id)
        if source is None:
            return [], ""
    found = await execution_list.newest(pool, account_id, wanted, source, below=page.after, most=page.most)
    return page.cut(found, lambda one: one.key)


async def run(pool: asyncpg.Pool, account_id: int, run_id: int) -> Run:
    """A run; NotFound."""
    found = await executions.find_run(pool, account_id, run_id)
    if found is None:
        raise NotFound("RUN_NOT_FOUND", f"the account has no run {run_id}")
    return found
