"""trigger_svc inside a test: good tasks and triggers, and pods over one database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg

from chassis.clock import DatabaseClock
from chassis.keyring import KeyRing
from tests.support.postgres import Database
from trigger_svc.aftermath import Aftermath
from trigger_svc.call import Call
from trigger_svc.closer import Closer
from trigger_svc.create_task import create_task
from trigger_svc.create_trigger import create_trigger
from trigger_svc.ingest import Ingest
from trigger_svc.receive import Receiver
from trigger_svc.task import PAYLOAD, NewTask, Parameter, Task
from trigger_svc.token_book import TokenBook
from trigger_svc.trigger import NewTrigger, Trigger

T = TypeVar("T")
ACCOUNT = 4711
KEY = bytes(range(32))
KEY_RING = KeyRing({"test": KEY})


def new_task(**changes: Any) -> NewTask:
    """A good task that a webhook may start."""
    values: dict[str, Any] = {
        "account_id": ACCOUNT,
        "name": "Load orders",
        "kind": "standard",
        "command": "dbt_build",
        "slots": {},
        "parameters": (Parameter(name=PAYLOAD, default_value=""),),
        "timeout_seconds": 3600.0,
        "allow_parallel_runs": False,
        "max_attempts": 1,
        "environment_id": 1,
        "environment_name": "Production",
        "project_id": 1,
        "project_name": "Default",
        "dbt_version": "1.11.0",
    }
    return NewTask(**(values | changes))


def new_trigger(**changes: Any) -> NewTrigger:
    """A good trigger; `task_id` must be given."""
    values: dict[str, Any] = {
        "account_id": ACCOUNT,
        "name": "orders",
        "threshold": 2,
        "duration_seconds": 60.0,
        "data_mode": "string",
    }
    return NewTrigger(**(values | changes))


def call(token: str, body: bytes = b"{}", media_type: str = "application/json", **headers: bytes) -> Call:
    """A call with a JSON body; headers by their names with "_" for "-"."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Call(token=token, media_type=media_type, body=body, headers=named)


@dataclass(kw_only=True)
class Pod:
    """What a pod of trigger_svc has between its gRPC door and the database; sweeps when told to."""

    pool: asyncpg.Pool
    clock: DatabaseClock
    receiver: Receiver
    closer: Closer
    ingest: Ingest

    async def task(self, **changes: Any) -> Task:
        """Makes a task."""
        return await create_task(self.pool, new_task(**changes))

    async def trigger(self, *, task: dict[str, Any] | None = None, **changes: Any) -> tuple[Trigger, str]:
        """Makes a task and its trigger; gives the trigger and its token."""
        task_id = (await self.task(**(task or {}))).task_id
        return await create_trigger(self.pool, KEY_RING, self.clock, new_trigger(task_id=task_id, **changes))

    async def receive(self, *calls: Call) -> list[str]:
        """Takes calls in at once; their ids."""
        return [one.call_id for one in await asyncio.gather(*(self.receiver.receive(one) for one in calls))]

    async def id_of(self, one: Call) -> str:
        """Takes a call in; its id, once it is committed."""
        return (await self.receiver.receive(one)).call_id

    async def executions(self) -> list[asyncpg.Record]:
        """All executions in their order."""
        return await self.pool.fetch("select * from trigger.execution order by execution_id")

    async def windows(self) -> list[asyncpg.Record]:
        """All windows in their order."""
        return await self.pool.fetch("select * from trigger.window order by window_id")


@asynccontextmanager
async def pod(database: Database, *, connections: int = 4) -> AsyncIterator[Pod]:
    """A pod without loops and doors."""
    async with asyncpg.create_pool(database.trigger_url, min_size=1, max_size=connections) as pool:
        clock = DatabaseClock()
        await clock.read(pool)
        aftermath = Aftermath(sweep=lambda: None, acquire=lambda: None)
        ingest = Ingest(pool, clock, aftermath)
        yield Pod(
            pool=pool,
            clock=clock,
            receiver=Receiver(ingest, TokenBook(pool, KEY_RING), clock),
            closer=Closer(pool, clock, aftermath),
            ingest=ingest,
        )


async def eventually(condition: Callable[[], Awaitable[T]], *, seconds: float = 10.0) -> T:
    """What `condition` gives, as soon as that is true: for what only the database shows."""
    async with asyncio.timeout(seconds):
        while True:
            value = await condition()
            if value:
                return value
            await asyncio.sleep(0.02)
