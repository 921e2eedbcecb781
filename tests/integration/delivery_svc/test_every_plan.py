"""No statement walks a table whole, over tables that have rows. A new statement is here by itself; one that may walk says why.

The plans are generic ones, made as the service's login role whose settings they depend on, with the statistics of tables that
were filled and analyzed. How much a statement reads is tested beside it, where that matters.
"""

import asyncio
import importlib
import json
import pkgutil
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from delivery_svc import store
from tests.support.delivery import add_subscription
from tests.support.postgres import Cluster, Database

#: Statements that may walk these tables, and why.
WALKS = {
    "queue.RESCUE": {"queue", "pod"},  # only while a dead pod is being buried: see there
    "queue.RECONCILE": {"queue"},  # only after an outcome that is unknown: as in RESCUE
    "pod.BURY_NAMESAKES": {"pod"},  # there are a few pods
    "pod.LIVING": {"pod"},
    "pod.ANY_DEAD": {"pod"},
    "pod.PRUNE": {"pod"},
    "overview.PODS": {"pod"},
    "publish_request.FORGET": {"publish_request"},  # once an hour; an index by age would cost every publish
    "erasing.WIPE_OF_EVENT": {"subscription"},  # by hand, of one event: the deleted are in no index by account
}
#: Indexes of what is few at any time: walking one of them whole is no walk.
FEW = {"lane_failing", "lane_open", "recovery_running", "erasure_running"}
FILL = (
    """
    insert into delivery.event (published_at, event_id, account_id, event_type, job_id, event_time_ns, data)
    select date_trunc('day', clock_timestamp()) + n * interval '1 millisecond', 'wev_' || lpad(n::text, 27, '0'), 1 + n % 50,
           'job.run.completed', n % 1000, 0, '{}'
      from generate_series(1, 100000) n
    """,
    """
    insert into delivery.delivery
           (finished_at, id, event_id, published_at, subscription_id, account_id, webhook_name, attempts, state)
    select e.published_at, row_number() over (order by e.published_at), e.event_id, e.published_at, 1 + e.job_id,
           e.account_id, 'test', 1, case when e.job_id % 100 = 0 then 'FAILED' else 'SUCCEEDED' end
      from delivery.event e
    """,
    """
    insert into delivery.attempt
           (attempted_at, delivery_id, id, subscription_id, number, outcome, status_code, error, detail, duration_us,
            response_body)
    select d.published_at, d.id, d.id, d.subscription_id, 1, 'succeeded', 200, 'none', '', 1000, ''
      from delivery.delivery d
    """,
    """
    insert into delivery.queue
           (id, event_id, published_at, subscription_id, account_id, webhook_name, attempts, due_at, lease_id, parked)
    select 1000000 + n, e.event_id, e.published_at, 1 + n % 1000, e.account_id, 'test', n % 7 % 2, e.published_at,
           case when n % 10 = 0 then 7 end, n % 10 between 1 and 8
      from (select row_number() over () as n, * from delivery.event) e
    """,
    """
    insert into delivery.lane (subscription_id, next_due_at, open_until, failing_since, consecutive_failures, openings)
    select n, case when n % 2 = 0 then now() end, case when n % 50 = 0 then now() end, case when n % 50 = 0 then now() end,
           case when n % 50 = 0 then 3 else 0 end, 0
      from generate_series(1, 20000) n
    """,
    """
    insert into delivery.publish_request (account_id, request_id, body_hash, event_id, published_at)
    select e.account_id, e.event_id, '', e.event_id, e.published_at from delivery.event e
    """,
    """
    insert into delivery.recovery (account_id, subscription_id, state, published_since, published_until, found, finished_at)
    select 1 + n % 50, 1 + n % 1000, 'FINISHED', now(), now(), 0, now() from generate_series(1, 20000) n
    """,
    """
    insert into delivery.erasure (account_id, event_id, state, published_until, finished_at)
    select 1 + n % 50, 'wev_' || lpad(n::text, 27, '0'), 'FINISHED', now(), now() from generate_series(1, 20000) n
    """,
    """
    insert into subscription.account (account_id, public_id, name)
    select n, 'act_' || lpad(n::text, 27, '0'), 'Test' from generate_series(2, 5000) n
    """,
    """
    insert into subscription.subscription
           (public_id, account_id, name, description, job_ids, event_types, client_url, active)
    select 'wsu_' || lpad(n::text, 27, '0'), 1 + n % 5000, 'test', '', '{}', '{job.run.completed}', 'http://127.0.0.1:9/', true
      from generate_series(1, 20000) n
    """,
    """
    insert into subscription.interest (account_id, event_type, job_id, subscription_id)
    select s.account_id, 'job.run.completed', 0, s.id from subscription.subscription s on conflict do nothing
    """,
    """
    insert into subscription.delivery_setting (subscription_id, concurrency)
    select s.id, 10 from subscription.subscription s where s.id % 2 = 0
    """,
    "analyze",
)
VALUES = {
    "bigint": "1",
    "integer": "10",
    "smallint": "1",
    "boolean": "false",
    "double precision": "1.0",
    "text": "'x'",
    "bytea": "''",
    "interval": "'1 day'",
    "timestamp with time zone": "clock_timestamp()",
}


def statements() -> dict[str, str]:
    """All that the rooms of the store send, by room and name."""
    found = {}
    for room in pkgutil.iter_modules(store.__path__):
        for name, value in vars(importlib.import_module(f"{store.__name__}.{room.name}")).items():
            if name.isupper() and isinstance(value, str):
                found[f"{room.name}.{name}"] = value
    return found


@pytest.fixture(scope="module")
def filled(cluster: Cluster) -> Iterator[Database]:
    """A database with rows in every table."""
    database = asyncio.run(_fill(cluster))
    yield database
    asyncio.run(cluster.drop(database))


async def _fill(cluster: Cluster) -> Database:
    database = await cluster.create()
    await add_subscription(database, "http://127.0.0.1:9/")
    connection = await asyncpg.connect(database.owner_url)
    try:
        for statement in FILL:
            await connection.execute(statement)
    finally:
        await connection.close()
    return database


@pytest.fixture
async def connection(filled: Database) -> AsyncIterator[asyncpg.Connection]:
    """Connected as the service's login role."""
    connected = await asyncpg.connect(filled.delivery_url)
    await connected.execute("set plan_cache_mode = force_generic_plan")
    yield connected
    await connected.close()


@pytest.mark.parametrize("name", sorted(statements()))
async def test_no_statement_walks_a_table(connection: asyncpg.Connection, name: str) -> None:
    await connection.execute(f"prepare probe as {statements()[name]}")
    types = await connection.fetchval("select parameter_types::text[] from pg_prepared_statements where name = 'probe'")
    values = f"({', '.join(_value(kind) for kind in types)})" if types else ""
    plan = json.loads(await connection.fetchval(f"explain (format json) execute probe{values}"))[0]["Plan"]
    walked = {table for node in _nodes(plan) if (table := _walks(node))}
    assert walked <= WALKS.get(name, set()), json.dumps(plan, indent=1)


def test_who_may_walk_is_still_there() -> None:
    assert WALKS.keys() <= statements().keys()


def _value(kind: str) -> str:
    if kind.endswith("[]"):
        return f"array[{VALUES[kind.removesuffix('[]')]}]::{kind}"
    return f"{VALUES[kind]}::{kind}"


def _nodes(node: dict[str, Any], limited: bool = False) -> Iterator[dict[str, Any]]:
    """All of a plan; what stands right under a limit is told by it."""
    yield {**node, "limited": limited}
    for child in node.get("Plans", []):
        yield from _nodes(
            child, limited=node["Node Type"] in ("Limit", "LockRows") and (limited or node["Node Type"] == "Limit")
        )


def _walks(node: dict[str, Any]) -> str:
    """The table that this node walks whole, without its partition's day; empty when it walks none."""
    table: str = node.get("Relation Name", "").partition("_p2")[0]
    whole = node["Node Type"] == "Seq Scan"
    if node["Node Type"] in ("Index Scan", "Index Only Scan"):
        whole = "Index Cond" not in node and not node["limited"] and node["Index Name"] not in FEW
    return table if whole else ""
