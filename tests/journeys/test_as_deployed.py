"""The platform as a deployment has it, PgBouncer between it and Postgres and Prometheus looking on: it works, and it is seen.

One platform for all of it: a start takes seconds.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
import pytest_asyncio
import yaml

from runhook import Client
from runhook.events import job_run_event
from runhook.messages import ContextParameter, ExecutionState, Task
from runhook.verify import verify_signature
from schema.roles import ROLES
from standalone.processes import ACCOUNT_ID
from tests.support import expressions
from tests.support.bouncer import CONNECTIONS_PER_ROLE, pooled
from tests.support.deployment import Deployment, deployed
from tests.support.linux import need_linux
from tests.support.manifests import DEPLOY
from tests.support.postgres import Cluster, Database
from tests.support.prometheus import NAMESPACE, Prometheus, prometheus
from tests.support.receiver import Receiver, Request
from tests.support.service_process import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"RUNHOOK_DATABASE_STATEMENT_CACHE": "0", "RUNHOOK_DELIVERY_RETRY_DELAYS_SECONDS": "0.2,0.2"}
OBSERVABILITY = DEPLOY / "observability"
RULES = OBSERVABILITY / "rules.yaml"
WAIT_SECONDS = 60.0
#: What may have no data, because the platform is well.
QUIET = {
    "Loop failures, A": "no loop fails",
    "gRPC errors, A": "no call ends in one of these",
    "Refused at the edge, A": "no client does anything that is refused there",
}
PAYLOAD = ContextParameter(name="resource_webhook_payload")
SESSIONS = """
select usename, count(*) as sessions from pg_stat_activity
 where datname = current_database() and usename = any ($1) group by usename
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(cluster: Cluster) -> AsyncIterator[Database]:
    """The platform's, without a pooler."""
    made = await cluster.create()
    yield made
    await cluster.drop(made)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform(database: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """All of it behind a PgBouncer that gives each service a few sessions for its many connections."""
    need_linux()
    data = tmp_path_factory.mktemp("platform") / "data"
    async with pooled(database) as through, deployed(through, data, SETTINGS) as found:
        yield found


async def subscribe(client: Client, url: str, job_id: int, *event_types: str) -> str:
    """The secret that signs."""
    made = await client.subscriptions.create(
        ACCOUNT_ID, name=url, client_url=url, event_types=event_types, job_ids=[job_id]
    )
    return made.signing_secret


async def publish(client: Client, job_id: int) -> str:
    """The id of an event that a run of the job is done."""
    now = datetime.now(UTC)
    event = job_run_event(
        "job.run.completed",
        account_id=ACCOUNT_ID,
        run_status="Success",
        run_start_time=now,
        run_finish_time=now,
        job_id=job_id,
        run_id=70,
        environment_id=1,
        project_id=1,
    )
    (event_id,) = await client.events.publish([event])
    return event_id


async def task(client: Client, name: str) -> int:
    """The id of a task that says how large its payload is."""
    wanted = Task(account_id=ACCOUNT_ID, name=name, command="echo-payload", parameters=[PAYLOAD])
    return (await client.tasks.create(wanted)).task_id


async def trigger(platform: Deployment, task_id: int, *, threshold: int, seconds: float) -> str:
    """The URL of one that starts the task."""
    made = await platform.client.triggers.create(
        ACCOUNT_ID,
        name="calls",
        threshold=threshold,
        duration=timedelta(seconds=seconds),
        task_id=task_id,
    )
    return f"{platform.gateway}/t/{made.token}"


async def call(url: str, *, times: int = 1) -> Sequence[int]:
    """The answers."""
    async with aiohttp.ClientSession() as session:
        return [(await session.post(url, json={"order": number})).status for number in range(times)]


def verified(request: Request, secret: str) -> Any:
    verify_signature(secret, request.body, request.headers["authorization"])
    return json.loads(request.body)


async def test_an_event_is_delivered_signed_and_tried_again(platform: Deployment) -> None:
    async with Receiver(503, 200) as receiver:
        secret = await subscribe(platform.client, receiver.url, 7, "job.run.completed")
        event_id = await publish(platform.client, 7)
        bodies = [verified(await receiver.request(number), secret) for number in (1, 2)]
    assert [body["eventId"] for body in bodies] == [event_id, event_id]


async def test_two_calls_are_one_window_and_the_life_of_its_run_goes_out(platform: Deployment) -> None:
    task_id = await task(platform.client, "two-calls")
    url = await trigger(platform, task_id, threshold=2, seconds=60)
    async with Receiver() as receiver:
        secret = await subscribe(platform.client, receiver.url, task_id, "job.run.started", "job.run.completed")
        assert await call(url, times=2) == [204, 204]
        events = [verified(await receiver.request(number), secret) for number in (1, 2)]
    assert [event["eventType"] for event in events] == ["job.run.started", "job.run.completed"]
    assert events[1]["data"]["runStatus"] == "Success"
    (execution,) = [one async for one in platform.client.executions.list(ACCOUNT_ID, task_id=task_id)]
    assert (execution.state, execution.call_count) == (ExecutionState.EXECUTION_STATE_SUCCEEDED, 2)


async def test_services_share_a_few_sessions_and_miss_nothing(database: Database, platform: Deployment) -> None:
    watcher = await asyncpg.connect(database.owner_url)
    try:
        sessions = {row["usename"]: row["sessions"] for row in await watcher.fetch(SESSIONS, list(ROLES))}
    finally:
        await watcher.close()
    assert sessions.keys() == set(ROLES)
    assert max(sessions.values()) <= CONNECTIONS_PER_ROLE
    assert platform.complaints() == []


def asked_for() -> Mapping[str, str]:
    """What the dashboard asks for, as Grafana would fill it in, what the rules record, and every series that an alert names."""
    of_grafana = {"$__rate_interval": "5m", "$namespace": NAMESPACE}
    found = {
        f"{panel['title']}, {target['refId']}": target["expr"]
        for panel in json.loads((OBSERVABILITY / "dashboard.json").read_text())["panels"]
        for target in panel.get("targets", ())
    }
    for variable, value in of_grafana.items():
        found = {where: expression.replace(variable, value) for where, expression in found.items()}
    for rule in (rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]):
        names = [rule["record"]] if "record" in rule else [one.name for one in expressions.selectors(rule["expr"])]
        found |= {name: name for name in names}
    return found


async def without_data(watching: Prometheus) -> set[str]:
    """Which of them has no number now."""
    return {where for where, expression in asked_for().items() if not await watching.has_data(expression)}


async def load(platform: Deployment, number: int) -> None:
    """A little of everything: what arrives, what is tried again, what nobody answers, calls, a moment, runs."""
    client, job_id = platform.client, 100 + number
    await subscribe(client, f"http://127.0.0.1:{free_port()}/nobody", job_id, "job.run.completed")
    late, full, soon = [await task(client, f"{what}-{number}") for what in ("late", "full", "soon")]
    await client.triggers.create_once(
        ACCOUNT_ID, name="soon", at=datetime.now(UTC) + timedelta(seconds=0.5), task_id=soon
    )
    async with Receiver(503, 200) as receiver:
        await subscribe(client, receiver.url, job_id, "job.run.completed")
        await publish(client, job_id)
        await call(await trigger(platform, full, threshold=2, seconds=60), times=2)
        await call(await trigger(platform, late, threshold=5, seconds=1))
        await call(f"{platform.gateway}/t/{'x' * 43}")
        await receiver.request(2)


async def test_what_is_asked_of_prometheus_it_answers_with_what_it_scraped(
    platform: Deployment, tmp_path: Path
) -> None:
    """What is counted by label is there from its first time on and has a rate from its second, so the load goes on until all is
    seen. That takes six seconds on an idle machine: Prometheus needs five until it scrapes at all."""
    async with prometheus(tmp_path, platform.metrics, RULES) as watching:
        empty = await without_data(watching)
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                for number in itertools.count(1):
                    if empty <= QUIET.keys():
                        break
                    await load(platform, number)
                    await asyncio.sleep(1)  # it scrapes once a second, and tells nobody
                    empty = await without_data(watching)
        assert empty <= QUIET.keys()
        rules = await watching.rules()
        assert len(rules) > len(QUIET)
        assert [rule for rule in rules if rule["health"] != "ok"] == []
