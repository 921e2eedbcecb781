"""Executions inside a test: tasks and plans, starts by webhook and by hand, and a runner that does as it is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from chassis.ids import ksuid
from tests.support.trigger import ACCOUNT, KEY_RING, Pod, new_trigger
from trigger_svc.configure_plan import create_plan
from trigger_svc.create_trigger import create_trigger
from trigger_svc.finish_run import finish_run
from trigger_svc.planned import NewPlan, Step
from trigger_svc.run import Lease, ending
from trigger_svc.start_run import start_run
from trigger_svc.store import run as runs
from trigger_svc.store import start as starts
from trigger_svc.store.start import Started
from trigger_svc.task import QueueLimit

EXECUTIONS = """
select *, turn_at is not null as has_turn, queued_at is not null as is_queued from trigger.execution order by execution_id
"""
RUNS = "select * from trigger.run order by run_id"
OUTBOX = "select run_id, event_type, run_state, execution_id from trigger.outbox order by outbox_id"


def limit(executions: int = 50, mode: str = "fail", count: str = "concurrent") -> QueueLimit:
    """A queue limit."""
    return QueueLimit(executions=executions, mode=mode, count=count)


def new_id() -> str:
    """A public id of an execution."""
    return "exe_" + ksuid(0)


@dataclass(kw_only=True)
class Line:
    """A pod and what runs in it: the runs that were taken and are not finished, by the command of their task."""

    pod: Pod
    held: dict[str, list[Lease]] = field(default_factory=dict)

    @property
    def pool(self) -> asyncpg.Pool:
        """The pod's."""
        return self.pod.pool

    async def task(self, command: str = "a", **changes: Any) -> int:
        """Makes a task; its id."""
        return (await self.pod.task(command=command, name=command, **changes)).task_id

    async def plan(self, *steps: Sequence[int], handler: int = 0, **changes: Any) -> int:
        """Makes a plan; its id."""
        values: dict[str, Any] = {
            "account_id": ACCOUNT,
            "name": "Nightly",
            "steps": tuple(Step(name="", task_ids=tuple(step)) for step in steps),
            "failure_handler_task_id": handler,
            "timeout_seconds": 3600.0,
            "allow_parallel_runs": False,
            "queue_limit": limit(),
        }
        return (await create_plan(self.pool, NewPlan(**(values | changes)))).plan_id

    async def webhook(self, **changes: Any) -> str:
        """Makes a trigger with threshold 1 unless told otherwise; its token."""
        _, token = await create_trigger(
            self.pool, KEY_RING, self.pod.clock, new_trigger(**({"threshold": 1} | changes))
        )
        return token

    async def start(self, **wish: Any) -> Started:
        """Starts a task or plan by hand."""
        values: dict[str, Any] = {"account_id": ACCOUNT, "cause": "manual"}
        return await starts.start(self.pool, new_id(), **(values | wish))

    async def take(self, command: str = "a", *, begin: bool = True) -> bool:
        """Takes the next run of the command, and starts it; False when there is none."""
        acquired = await runs.acquire(self.pool, [command], most=1, lease_seconds=30, account_id=None)
        for one in acquired:
            lease = Lease(run_id=one.run_id, lease_id=one.lease_id, account_id=None)
            if begin:
                await start_run(self.pool, lease, lease_seconds=30)
            self.held.setdefault(command, []).append(lease)
        return bool(acquired)

    async def finish(self, command: str = "a", *, exit_code: int = 0) -> None:
        """Ends the run of the command that was taken first."""
        reason = "command_failed" if exit_code else ""
        await finish_run(self.pool, self.held[command].pop(0), ending(exit_code, reason, ""), artifact_seconds=60)

    async def run(self, command: str = "a", *, exit_code: int = 0) -> None:
        """Takes a run and ends it."""
        assert await self.take(command), f"there is no run of {command}"
        await self.finish(command, exit_code=exit_code)

    async def executions(self) -> list[asyncpg.Record]:
        """All of them, in their order."""
        return await self.pool.fetch(EXECUTIONS)

    async def states(self) -> list[str]:
        """The executions' states, in their order."""
        return [row["state"] for row in await self.executions()]

    async def turns(self) -> list[bool]:
        """Whether they have had their turn."""
        return [row["has_turn"] for row in await self.executions()]

    async def runs(self) -> list[asyncpg.Record]:
        """All of them, in their order."""
        return await self.pool.fetch(RUNS)

    async def run_states(self) -> list[tuple[str, str]]:
        """Command and state of each run, in their order."""
        return [(row["command"], row["state"]) for row in await self.runs()]

    async def told(self) -> list[tuple[str, str]]:
        """Type and state of what is in the outbox, in its order."""
        return [(row["event_type"], row["run_state"]) for row in await self.pool.fetch(OUTBOX)]

    async def age(self, minutes: float) -> None:
        """Lets time pass for all executions."""
        await self.pool.execute(
            """
            update trigger.execution
               set created_at = created_at - make_interval(secs => $1 * 60),
                   queued_at = queued_at - make_interval(secs => $1 * 60)
            """,
            minutes,
        )
