"""Changes, copies and deletes tasks. Invariant: a webhook never loses the task that takes its calls."""

import dataclasses
from collections.abc import Sequence

import asyncpg

from chassis import paging
from chassis.errors import FailedPrecondition, InvalidInput, NotFound
from chassis.etag import check_etag
from trigger_svc.create_task import create_task
from trigger_svc.named import bad_ids
from trigger_svc.store import attached
from trigger_svc.store import task as tasks
from trigger_svc.task import LONGEST_NAME, PAYLOAD, NewTask, Task, bad_fields


async def list_tasks(
    pool: asyncpg.Pool, account_id: int, ids: Sequence[int], *, page_size: int, page_token: str
) -> tuple[list[Task], str]:
    """A page of the account's tasks, of those with these ids if there are any, oldest first; and the token of the next.

    InvalidInput.
    """
    bad = list(bad_ids("task_ids", ids))
    if bad:
        raise InvalidInput(bad)
    page = paging.asked("tasks", page_size=page_size, page_token=page_token)
    found = (
        await tasks.list_named(pool, account_id, ids, above=page.after, most=page.most)
        if ids
        else await tasks.list_oldest(pool, account_id, above=page.after, most=page.most)
    )
    return page.cut(found, lambda one: one.task_id)


async def update_task(pool: asyncpg.Pool, task_id: int, wanted: NewTask, *, etag: str) -> Task:
    """Replaces the task; what waits or runs goes on with the one it was made with.

    InvalidInput with every bad field; NotFound; FailedPrecondition for another etag, and when a webhook needs what would go.
    """
    bad = bad_fields(wanted)
    if bad:
        raise InvalidInput(bad)
    async with pool.acquire() as connection, connection.transaction():
        await attached.lock_of_task(connection, task_id)
        await tasks.lock(connection, wanted.account_id, task_id)
        found = await tasks.find(connection, wanted.account_id, task_id)
        if found is None:
            raise not_found(task_id)
        check_etag(etag, found.version, "task")
        changed = await tasks.update(connection, task_id, wanted)
        try:
            if not await attached.refit_task(connection, task_id):
                raise needs_parameter()
        except asyncpg.CheckViolationError:
            raise window_too_large() from None
    return changed


async def delete_task(pool: asyncpg.Pool, account_id: int, task_id: int) -> None:
    """Deletes the task. NotFound; FailedPrecondition while a trigger, a plan or an unfinished execution needs it."""
    async with pool.acquire() as connection, connection.transaction():
        await tasks.lock(connection, account_id, task_id)
        if await tasks.find(connection, account_id, task_id) is None:
            raise not_found(task_id)
        in_use = await tasks.is_under_way(connection, task_id)
        try:
            if not in_use:
                await tasks.delete(connection, account_id, task_id)
        except asyncpg.ForeignKeyViolationError:
            in_use = True
        if in_use:
            raise FailedPrecondition(
                "TASK_IN_USE",
                f"a trigger, a plan or an unfinished execution needs task {task_id}: end or delete that first",
            )


async def copy_task(pool: asyncpg.Pool, account_id: int, task_id: int, name: str) -> Task:
    """Makes a copy without its triggers, of this name or "... copy". NotFound; InvalidInput for the name."""
    found = await tasks.find(pool, account_id, task_id)
    if found is None:
        raise not_found(task_id)
    fields = {field.name: getattr(found, field.name) for field in dataclasses.fields(NewTask)}
    return await create_task(pool, NewTask(**fields | {"name": name or f"{found.name[: LONGEST_NAME - 5]} copy"}))


def not_found(task_id: int) -> NotFound:
    """The account has no such task."""
    return NotFound("TASK_NOT_FOUND", f"the account has no task {task_id}")


def needs_parameter() -> FailedPrecondition:
    """A webhook would have nothing left that takes its calls."""
    return FailedPrecondition(
        "WEBHOOK_NEEDS_PARAMETER", f"a webhook depends on the parameter {PAYLOAD}: keep it, or delete the webhook first"
    )


def window_too_large() -> FailedPrecondition:
    """An open window holds more than a task of kind BIG_DATA takes."""
    return FailedPrecondition(
        "WINDOW_TOO_LARGE", "an open window holds more than such a task takes: flush it first, then change the task"
    )
