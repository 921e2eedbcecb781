"""Reads what an account has; what is another account's is not there."""

import asyncpg

from chassis.errors import BadField, InvalidInput, NotFound
from chassis.ids import is_id
from trigger_svc.execution import Execution
from trigger_svc.run import Run
from trigger_svc.store import execution as executions
from trigger_svc.store import task as tasks
from trigger_svc.store import trigger as triggers
from trigger_svc.store import window as windows
from trigger_svc.store.window import StoredWindow
from trigger_svc.task import Task
from trigger_svc.trigger import Trigger

DEFAULT_PAGE, LARGEST_PAGE = 20, 100
NEWEST = 2**63 - 1


async def task(pool: asyncpg.Pool, account_id: int, task_id: int) -> Task:
    """A task; NotFound."""
    found = await tasks.find(pool, account_id, task_id)
    if found is None:
        raise NotFound("TASK_NOT_FOUND", f"the account has no task {task_id}")
    return found


async def trigger(pool: asyncpg.Pool, account_id: int, public_id: str) -> tuple[Trigger, StoredWindow | None]:
    """A trigger and its newest window; NotFound."""
    found = await triggers.find(pool, account_id, public_id) if is_id("trg_", public_id) else None
    if found is None:
        raise NotFound("TRIGGER_NOT_FOUND", "the account has no such trigger")
    return found, await windows.newest(pool, found.trigger_id)


async def execution(pool: asyncpg.Pool, account_id: int, public_id: str) -> Execution:
    """An execution with its runs; NotFound."""
    found = await executions.find(pool, account_id, public_id) if is_id("exe_", public_id) else None
    if found is None:
        raise NotFound("EXECUTION_NOT_FOUND", "the account has no such execution")
    return found


async def list_executions(
    pool: asyncpg.Pool, account_id: int, *, task_id: int, page_size: int, page_token: str
) -> tuple[list[Execution], str]:
    """A page of executions, newest first, and the token of the next; of one task unless task_id is 0. InvalidInput."""
    bad = []
    if page_size < 0:
        bad.append(BadField("page_size", "must not be below 0"))
    if page_token and not (page_token.isascii() and page_token.isdecimal() and int(page_token) <= NEWEST):
        bad.append(BadField("page_token", "must be the next_page_token of the page before"))
    if bad:
        raise InvalidInput(bad)
    size = min(page_size or DEFAULT_PAGE, LARGEST_PAGE)
    # One more than is shown tells whether there is a next page.
    found = await executions.list_newest(
        pool, account_id, below=int(page_token or NEWEST), most=size + 1, task_id=task_id or None
    )
    return found[:size], str(found[size - 1].key) if len(found) > size else ""


async def run(pool: asyncpg.Pool, account_id: int, run_id: int) -> Run:
    """A run; NotFound."""
    found = await executions.find_run(pool, account_id, run_id)
    if found is None:
        raise NotFound("RUN_NOT_FOUND", f"the account has no run {run_id}")
    return found
