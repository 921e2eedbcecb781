"""Makes a task: what a run executes."""

import asyncpg

from chassis.errors import InvalidInput
from trigger_svc.store import task as tasks
from trigger_svc.task import NewTask, Task, bad_fields


async def create_task(pool: asyncpg.Pool, task: NewTask) -> Task:
    """Stores the task. InvalidInput with every bad field."""
    bad = bad_fields(task)
    if bad:
        raise InvalidInput(bad)
    return await tasks.insert(pool, task)
