"""The steps of a history on a real Postgres, by the product's own statements and functions.

A clock of ours stands before the database's: a function clock_timestamp() in a schema that the session searches first. So every
statement of the product tells the history's time, whether or not it has a parameter for it. A history is one transaction,
rolled back at its end.
"""

import hashlib
import json
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from tests.simulation_triggers.names import Numbers
from tests.simulation_triggers.receiving import Answer, Flush
from tests.simulation_triggers.rows import Tables
from tests.simulation_triggers.state import Reader
from tests.support.postgres import Database
from trigger_svc.rescuer import Rescuer
from trigger_svc.run import Ending, Lease
from trigger_svc.store import closing, head, run, start, window
from trigger_svc.task import PAYLOAD

ACCOUNT = 4711
COMMAND = "simulated"
CLOCK = """
create schema simulated;
create function simulated.clock_timestamp() returns timestamptz language sql stable as
    $$ select current_setting('simulated.now')::timestamptz $$;
grant usage on schema simulated to runhook_trigger;
grant execute on function simulated.clock_timestamp() to runhook_trigger;
select runhook.make_partitions('trigger', 60);
"""
INSERT_TASK = """
insert into trigger.task (account_id, name, kind, command, slots, parameters, timeout_seconds, allow_parallel_runs,
                          max_attempts, environment_id, environment_name, project_id, project_name, dbt_version,
                          queue_limit, queue_mode, queue_count)
values ($1, 'a task', 'standard', $2, '{}', $3, 3600, $4, $5, 1, '', 1, '', '', $6, $7, $8) returning task_id
"""
INSERT_PLAN = """
insert into trigger.plan (account_id, name, failure_handler_task_id, timeout_seconds, allow_parallel_runs, queue_limit,
                          queue_mode, queue_count)
values ($1, 'a plan', $2, $3, $4, $5, $6, $7) returning plan_id
"""
INSERT_STEP = "insert into trigger.plan_step (plan_id, step) values ($1, $2)"
INSERT_STEP_TASK = "insert into trigger.plan_step_task (plan_id, step, task_id) values ($1, $2, $3)"
INSERT_TRIGGER = """
insert into trigger.trigger (public_id, account_id, task_id, plan_id, name, data_mode)
values ($1, $2, $3, $4, 'a_trigger', 'string') returning trigger_id
"""
INSERT_TARGET = "insert into trigger.target (target, sort) values ($1, 'webhook')"
INSERT_HEAD = """
insert into trigger.head (trigger_id, account_id, threshold, duration_seconds, max_bytes) values ($1, $2, $3, $4, $5)
"""
EDIT = "update trigger.head set threshold = $2, duration_seconds = $3 where trigger_id = $1"
ENABLE = "update trigger.head set enabled = $2 where trigger_id = $1"


async def simulated(database: Database) -> "asyncpg.Connection[asyncpg.Record]":
    """A connection of trigger_svc whose clock is a history's."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        await owner.execute(CLOCK)
    finally:
        await owner.close()
    settings = {"search_path": "simulated, pg_catalog", "idle_in_transaction_session_timeout": "0"}
    return await asyncpg.connect(database.trigger_url, server_settings=settings)


class Real:
    """The model's methods, on Postgres. Ids are the model's; what Postgres calls them is kept here."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        stands_for_a_pool: Any = connection
        self._connection = stands_for_a_pool
        self._base = datetime.now(UTC).replace(microsecond=0)
        self._rescuer = Rescuer(self._connection, acquire=lambda: None, announce=lambda: None)
        self.numbers = Numbers()
        self.tables = Reader(connection, self._base, self.numbers)

    async def people(self, tables: Tables) -> None:
        """Makes the tasks, plans and triggers of a history."""
        numbers, fetch = self.numbers, self._connection.fetchval
        for task in tables.tasks.values():
            parameters = [{"name": PAYLOAD, "default_value": ""}] if task.takes_payload else []
            words = (task.allow_parallel_runs, task.max_attempts, task.queue_limit, task.queue_mode, task.queue_count)
            numbers.tasks.learn(
                await fetch(INSERT_TASK, ACCOUNT, COMMAND, json.dumps(parameters), *words), task.task_id
            )
        for plan in tables.plans.values():
            handler = numbers.tasks.real(plan.handler) if plan.handler else None
            rules = (plan.allow_parallel_runs, plan.queue_limit, plan.queue_mode, plan.queue_count)
            plan_id = await fetch(INSERT_PLAN, ACCOUNT, handler, plan.timeout // 1000, *rules)
            numbers.plans.learn(plan_id, plan.plan_id)
            for step, tasks in enumerate(plan.steps, 1):
                await fetch(INSERT_STEP, plan_id, step)
                for task_id in tasks:
                    await fetch(INSERT_STEP_TASK, plan_id, step, numbers.tasks.real(task_id))
        for one in tables.heads.values():
            target = numbers.target(one.target)
            await fetch(INSERT_TARGET, f"task:{target}" if target > 0 else f"plan:{-target}")
            of_task, of_plan = (target, None) if target > 0 else (None, -target)
            trigger_id = await fetch(INSERT_TRIGGER, f"trg_{one.trigger_id:027}", ACCOUNT, of_task, of_plan)
            numbers.triggers.learn(trigger_id, one.trigger_id)
            await fetch(INSERT_HEAD, trigger_id, ACCOUNT, one.threshold, one.duration // 1000, one.max_bytes)

    async def set_clock(self, now: int) -> None:
        """The database's time from here on."""
        moment = self._base + timedelta(milliseconds=now)
        await self._connection.execute("select set_config('simulated.now', $1, false)", moment.isoformat())

    async def receive(self, flush: Flush, heads: Tables) -> list[Answer] | str:
        """The model's answers; "too large" when a call is larger than its window may be."""
        columns = head.Flush(group_id=UUID(int=flush.number))
        for trigger_id, calls in flush.calls:
            known = self.numbers.triggers.real(trigger_id)
            if heads.heads[trigger_id].pausing:
                columns.pausing.add(known)
            if heads.heads[trigger_id].rejecting:
                columns.rejecting.add(known)
            for call in calls:
                columns.add(known, call.call_id, "text/plain", b"", call.size, generation=1)
                if call.key is not None:
                    columns.dedupe_keys[len(columns.call_ids)] = hashlib.sha256(call.key.encode()).digest()
        odd = any(call.size >= heads.heads[trigger_id].max_bytes for trigger_id, calls in flush.calls for call in calls)
        try:
            async with self._connection.transaction() if odd else nullcontext():
                flushed = await head.receive(self._connection, columns, list(flush.execution_ids), patient=True)
        except asyncpg.StringDataRightTruncationError:
            return "too large"
        return self._told(flushed)

    async def close_expired(self, limit: int, execution_ids: list[str]) -> list[Answer]:
        """As the model."""
        return [self._closed(one) for one in await window.close_expired(self._connection, execution_ids[:limit])]

    async def close_window(self, trigger_id: int, reason: str, execution_id: str) -> list[Answer]:
        """As the model; what was thrown away is told by the tables alone."""
        known = self.numbers.triggers.real(trigger_id)
        if reason == "discarded":
            await closing.discard(self._connection, known)
            return []
        closed = await closing.close(self._connection, known, reason, execution_id)
        if reason == "disabled":
            await self._connection.execute(ENABLE, known, False)
        return [] if closed is None else [self._closed(closed)]

    async def edit(self, trigger_id: int, threshold: int, duration: int) -> None:
        """As the model."""
        await self._connection.execute(EDIT, self.numbers.triggers.real(trigger_id), threshold, duration // 1000)

    async def enable(self, trigger_id: int) -> None:
        """As the model."""
        await self._connection.execute(ENABLE, self.numbers.triggers.real(trigger_id), True)

    async def acquire(self) -> int | None:
        """As the model."""
        acquired = await run.acquire(self._connection, [COMMAND], most=1, lease_seconds=30, account_id=None)
        if not acquired:
            return None
        self.numbers.leases.learn(acquired[0].lease_id)
        return self.numbers.runs.ours(acquired[0].run_id)

    async def start(self, run_id: int, lease: int) -> bool:
        """As the model."""
        return await run.start(self._connection, self._lease(run_id, lease), lease_seconds=30)

    async def heartbeat(self, run_id: int, lease: int) -> bool:
        """As the model."""
        pair = (self.numbers.runs.real(run_id), self.numbers.leases.real(lease))
        return not await run.keep_leases(self._connection, [pair], account_id=None, lease_seconds=30)

    async def finish(self, run_id: int, lease: int, reason: str, artifact_ms: int = 0) -> str:
        """As the model."""
        ending = Ending(state="FAILED" if reason else "SUCCEEDED", reason=reason, message="", exit_code=0)
        known = self._lease(run_id, lease)
        return (await run.finish(self._connection, known, ending, artifact_seconds=artifact_ms / 1000)).answer

    async def rescue(self) -> None:
        """One tick of the product's rescuer."""
        await self._rescuer.tick()

    async def cancel(self, execution_id: int) -> str:
        """As the model."""
        return await start.cancel(self._connection, ACCOUNT, self.numbers.public_ids[execution_id])

    async def rerun(self, public_id: str, execution_id: int, from_failed_step: bool) -> tuple[str, str | None]:
        """As the model."""
        old = self.numbers.public_ids[execution_id]
        made = await start.rerun(
            self._connection, public_id, account_id=ACCOUNT, execution_id=old, from_failed_step=from_failed_step
        )
        return (made.answer, made.state)

    async def start_execution(
        self, public_id: str, target: int, cause: str, _: None, payload_bytes: int
    ) -> tuple[str, str | None]:
        """As the model."""
        known = self.numbers.target(target)
        made = await start.start(
            self._connection,
            public_id,
            account_id=ACCOUNT,
            task_id=max(known, 0),
            plan_id=max(-known, 0),
            cause=cause,
            payload=b"x" * payload_bytes,
        )
        return (made.answer, made.state)

    async def pause(self, target: int, paused: bool) -> None:
        """As the model."""
        known = self.numbers.target(target)
        await start.pause(self._connection, ACCOUNT, task_id=max(known, 0), plan_id=max(-known, 0), paused=paused)

    def _lease(self, run_id: int, lease: int) -> Lease:
        known = self.numbers
        return Lease(run_id=known.runs.real(run_id), lease_id=known.leases.real(lease), account_id=None)

    def _told(self, flushed: head.Flushed) -> list[Answer]:
        triggers = self.numbers.triggers
        answers: list[Answer] = [("TAKEN", triggers.ours(one)) for one in flushed.taken]
        answers += [("GONE", triggers.ours(one)) for one in flushed.gone]
        answers += [("PAUSED", triggers.ours(one)) for one in flushed.paused - flushed.gone]
        answers += [("DUPLICATE", place, call_id) for place, call_id in flushed.repeated.items()]
        answers += [("REFUSED", place) for place in flushed.refused]
        answers += [("OPENED", round(seconds * 1000)) for seconds in flushed.opened]
        return answers + [self._closed(one) for one in flushed.closed]

    @staticmethod
    def _closed(one: window.Closed) -> Answer:
        late = round(one.late_seconds * 1000)
        return ("CLOSED", int(one.trigger_id.removeprefix("trg_")), one.execution_id, one.reason, one.size, late)
