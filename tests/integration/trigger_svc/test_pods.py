"""Several pods over one database: whoever takes calls in, closes windows and finishes runs, the invariants hold."""

import asyncio
import random
from contextlib import AsyncExitStack, suppress

import asyncpg
import pytest

from chassis.database import AWAY_ERRORS
from chassis.errors import Unavailable
from tests.support.postgres import Database
from tests.support.trigger import Pod, call, eventually, pod
from tests.support.window_oracle import broken_invariants
from trigger_svc import receive
from trigger_svc.finish_run import finish_run
from trigger_svc.run import Lease, ending
from trigger_svc.start_run import start_run
from trigger_svc.store import run as runs

KILL_ONE = """
select pg_terminate_backend(pid)
  from (select pid from pg_stat_activity
         where datname = current_database() and usename = 'runhook_trigger' and state = 'active'
         order by random() limit 1) victim
"""
UNFINISHED = "select count(*) from trigger.execution where finished_at is null"
#: As the rescuer does with runs whose runner broke off, but at once.
FREE = """
update trigger.run set lease_id = null, lease_until = null, started_at = null, state = 'PENDING', attempts = 0
 where state in ('PENDING', 'RUNNING') and lease_until < clock_timestamp() + interval '29 seconds'
"""
OPEN = "select count(*) from trigger.window where state = 'OPEN'"


@pytest.mark.parametrize("killing", [False, True])
async def test_pods_that_take_close_and_finish_at_once_break_no_invariant(
    database: Database, monkeypatch: pytest.MonkeyPatch, killing: bool
) -> None:
    monkeypatch.setattr(receive, "PATIENCE_SECONDS", 60.0)  # that a call waits its turn is no reason to refuse it here
    chance = random.Random(20261122)
    over = asyncio.Event()
    async with AsyncExitStack() as stack:
        owner = await asyncpg.connect(database.owner_url)
        stack.push_async_callback(owner.close)
        pods = [await stack.enter_async_context(pod(database)) for _ in range(4)]
        tokens = [
            (await pods[0].trigger(threshold=threshold, duration_seconds=1.0, task={"kind": kind}))[1]
            for threshold in (1, 2, 3, 10, 50, 10_000)
            for kind in ("standard", "big_data")
        ]
        acknowledged: list[str] = []
        unanswered: list[str] = []
        async with asyncio.TaskGroup() as group:
            for one in pods:
                group.create_task(_sweep(one, over))
                group.create_task(_run(one, over))
            senders = [
                asyncio.create_task(_send(one, random.Random(chance.random()), tokens, acknowledged, unanswered))
                for one in pods
                for _ in range(8)
            ]
            if killing:
                await _kill_now_and_then(owner, senders)
            await asyncio.gather(*senders)
            with suppress(TimeoutError):
                await eventually(lambda: _all_is_over(owner), seconds=20)
            over.set()
        assert await owner.fetchval(OPEN) + await owner.fetchval(UNFINISHED) == 0
        assert len(acknowledged) > 600
        assert await broken_invariants(owner, acknowledged, unknown=len(unanswered)) == []
        assert killing or unanswered == []


async def _all_is_over(owner: asyncpg.Connection) -> bool:
    await owner.execute(FREE)
    return not await owner.fetchval(OPEN) and not await owner.fetchval(UNFINISHED)


async def _send(
    one: Pod, chance: random.Random, tokens: list[str], acknowledged: list[str], unanswered: list[str]
) -> None:
    for number in range(40):
        body = b"x" * chance.choice([0, 10, 700, 2000])
        try:
            acknowledged.append(await one.id_of(call(chance.choice(tokens), body, "text/plain")))
        except Unavailable:
            unanswered.append(str(number))
            await asyncio.sleep(0.05)
        if number % 20 == 0:
            await asyncio.sleep(chance.random() / 2)


async def _sweep(one: Pod, over: asyncio.Event) -> None:
    while not over.is_set():
        with suppress(*AWAY_ERRORS):
            await one.closer.tick()
        await asyncio.sleep(0.02)


async def _run(one: Pod, over: asyncio.Event) -> None:
    """A runner that succeeds at once with whatever there is."""
    while not over.is_set():
        with suppress(*AWAY_ERRORS):
            for run in await runs.acquire(one.pool, ["dbt_build"], most=20, lease_seconds=30, account_id=None):
                lease = Lease(run_id=run.run_id, lease_id=run.lease_id, account_id=None)
                await start_run(one.pool, lease, lease_seconds=30)
                await finish_run(one.pool, lease, ending(0, "", ""), artifact_seconds=60)
        await asyncio.sleep(0.005)


async def _kill_now_and_then(owner: asyncpg.Connection, senders: list[asyncio.Task[None]]) -> None:
    while not all(task.done() for task in senders):
        await asyncio.sleep(0.03)
        await owner.execute(KILL_ONE)
