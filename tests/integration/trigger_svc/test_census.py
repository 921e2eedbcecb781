"""What is unfinished is counted along indexes and to a limit, and ends up in the gauges."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from prometheus_client import REGISTRY

from tests.support.executions import Line, limit
from tests.support.postgres import Database
from tests.support.trigger import call, pod
from trigger_svc.store import census
from trigger_svc.surveyor import Surveyor

MANY, MOST = 3_000, 500
FILL = """
with filled as (
    insert into trigger.execution
        (public_id, account_id, task_id, call_count, exclusive, state, created_at, turn_at, started_at, finished_at, queued_at)
    select 'exe_' || substr(md5(n::text || s.state), 1, 27), 1, 1, 1, false, s.state, now(), now(),
           case when s.state <> 'PENDING' then now() end, case when s.state = 'SUCCEEDED' then now() end,
           case when n % 2 = 0 then now() end
      from generate_series(1, $1) n cross join unnest(array['PENDING', 'RUNNING', 'SUCCEEDED']) s (state)
    returning execution_id
)
insert into trigger.run
    (account_id, task_id, execution_id, command, task_name, environment_id, environment_name, project_id, project_name,
     dbt_version, run_reason, max_attempts, state, created_at, due_at, slots, parameters, timeout_seconds)
select 1, 1, f.execution_id, 'c' || f.execution_id % 3, 't', 1, 'e', 1, 'p', '', 'r', 1, 'PENDING', now(), now(), '{}', '{}', 60
  from filled f
"""
OPEN = """
insert into trigger.window (window_id, trigger_id, account_id, state, threshold, first_seq, opened_at, deadline_at)
select nextval('trigger.window_id'), n, 1, 'OPEN', 5, 1, now(), now() + interval '1 hour' from generate_series(1, $1) n
"""


@pytest.fixture
async def line(database: Database) -> AsyncIterator[Line]:
    async with pod(database) as one:
        yield Line(pod=one)


def _gauge(name: str, state: str | None = None) -> float | None:
    return REGISTRY.get_sample_value(f"runhook_{name}", {} if state is None else {"state": state})


async def test_what_waits_and_runs_is_told_by_state_with_the_age_of_the_oldest(line: Line) -> None:
    token = await line.webhook(
        task_id=await line.task(queue_limit=limit(2, "hold"), allow_parallel_runs=True), threshold=2
    )
    for _ in range(5):
        await line.pod.receive(call(token), call(token))
    await line.pod.receive(call(token))
    await line.take()
    await line.pool.execute("update trigger.execution set created_at = created_at - interval '1 hour'")
    await line.pool.execute("update trigger.run set due_at = due_at - interval '2 hours'")
    await Surveyor(line.pool).tick()
    assert _gauge("window_open") == 1
    assert _gauge("execution_unfinished", "RUNNING") == 1
    assert _gauge("execution_unfinished", "PENDING") == 4
    assert _gauge("execution_held") == 3
    assert _gauge("run_due") == 1
    for state in ("PENDING", "RUNNING"):
        age = _gauge("execution_oldest_unfinished_age_seconds", state)
        assert age is not None
        assert 3600 <= age < 3700
    age = _gauge("run_oldest_due_age_seconds")
    assert age is not None
    assert 7200 <= age < 7300


async def test_nothing_is_counted_where_nothing_is(line: Line) -> None:
    found = await census.count(line.pool)
    assert set(_values(found).values()) == {0}


def _values(found: census.Census) -> dict[str, float]:
    return {name: getattr(found, name) for name in census.Census.__slots__}


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)


async def test_a_count_reads_no_more_than_its_limit_of_any_backlog(
    line: Line, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "MOST", MOST)
    await line.pool.execute(FILL, MANY)
    await line.pool.execute(OPEN, MANY)
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("analyze trigger.execution, trigger.run, trigger.window")
    await owner.close()
    async with line.pool.acquire() as connection:
        await connection.execute("set plan_cache_mode = force_generic_plan")
        await connection.execute(f"prepare probe (int) as {census.COUNT}")
        explained = f"explain (analyze, timing off, format json) execute probe ({MOST})"
        nodes = list(_nodes(json.loads(await connection.fetchval(explained))[0]["Plan"]))
    hot = [node for node in nodes if node.get("Relation Name")]
    assert {node["Node Type"] for node in hot} <= {"Index Scan", "Index Only Scan"}
    assert max(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in hot) <= MOST
    found = await census.count(line.pool)
    assert [found.windows_open, found.pending, found.running, found.held, found.runs_due] == [MOST] * 5
