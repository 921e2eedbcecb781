"""A call starts a run, and the run's life goes out as signed events: the whole platform, as `runhook standalone` runs it."""

import asyncio
import hashlib
import hmac
import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import asyncpg
import psutil
import pytest

from tests.support.receiver import Receiver, Request
from tests.support.standalone import Standalone

LEASE_SECONDS = 3


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """One platform for all journeys here; short leases, so that a lost runner is noticed within the test."""
    settings = {
        "RUNHOOK_TRIGGER_LEASE_SECONDS": str(LEASE_SECONDS),
        "RUNHOOK_TRIGGER_ARTIFACT_SECONDS": "2",
    }
    with Standalone(tmp_path_factory.mktemp("platform") / "data", **settings) as running:
        yield running


class Api:
    """The REST door of the platform, with its first account's token."""

    def __init__(self, session: aiohttp.ClientSession, platform: Standalone) -> None:
        self._session = session
        self._base = f"{platform.facts['gateway_url']}/api"
        self._account = platform.facts["account_id"]
        self._headers = {"Authorization": f"Token {platform.facts['token']}"}

    async def post(self, path: str, body: dict[str, Any], version: str = "v1") -> Any:
        url = f"{self._base}/{version}/accounts/{self._account}/{path}"
        async with self._session.post(url, json=body, headers=self._headers) as answer:
            assert answer.status == 201, await answer.text()
            return await answer.json()

    async def get(self, path: str) -> Any:
        async with self._session.get(
            f"{self._base}/v1/accounts/{self._account}/{path}", headers=self._headers
        ) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def call(self, url: str, body: bytes) -> None:
        async with self._session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
            assert answer.status == 204, await answer.text()

    async def subscribe(self, url: str, job_id: str) -> str:
        """Subscribes to all events of a job. Returns the signing secret."""
        kinds = ["job.run.started", "job.run.completed", "job.run.errored"]
        wish = {"active": True, "client_url": url, "event_types": kinds, "name": "circle", "job_ids": [int(job_id)]}
        answer = await self.post("webhooks/subscriptions", wish, "v3")
        secret: str = answer["data"]["hmac_secret"]
        return secret

    async def trigger(
        self, name: str, command: str, *, threshold: int, duration: int, slots: dict[str, str]
    ) -> tuple[str, str]:
        """Makes a task and its trigger. Returns the task's id and the trigger's URL."""
        task = {"name": name, "command": command, "slots": slots, "parameters": [{"name": "resource_webhook_payload"}]}
        task_id = (await self.post("tasks", task))["task_id"]
        window = {"name": name, "task_id": task_id, "threshold": threshold, "duration_seconds": duration}
        return task_id, (await self.post("triggers", window))["url"]

    async def executions(self, task_id: str) -> list[dict[str, Any]]:
        """The task's executions, newest first."""
        listed: list[dict[str, Any]] = (await self.get(f"executions?task_id={task_id}"))["executions"]
        return listed


@asynccontextmanager
async def connected(platform: Standalone) -> AsyncIterator[tuple[Api, Receiver]]:
    async with Receiver() as receiver, aiohttp.ClientSession() as session:
        yield Api(session, platform), receiver


def _verified(request: Request, secret: str) -> dict[str, Any]:
    expected = hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(request.headers["authorization"], expected)
    body: dict[str, Any] = json.loads(request.body)
    return body


async def test_two_calls_start_one_run_and_its_life_goes_out_signed(platform: Standalone) -> None:
    async with connected(platform) as (api, receiver):
        task_id, url = await api.trigger("two_calls", "echo-payload", threshold=2, duration=60, slots={})
        secret = await api.subscribe(receiver.url, task_id)
        await asyncio.gather(api.call(url, b'{"order": 1}'), api.call(url, b'{"order": 2}'))
        started, completed = [_verified(await receiver.request(number), secret) for number in (1, 2)]
        [execution] = await api.executions(task_id)
    assert [event["eventType"] for event in (started, completed)] == ["job.run.started", "job.run.completed"]
    assert (started["data"]["runStatus"], completed["data"]["runStatus"]) == ("Running", "Success")
    assert started["data"]["jobId"] == completed["data"]["jobId"] == task_id
    assert (execution["state"], execution["call_count"]) == ("SUCCEEDED", 2)


async def test_a_lone_call_fires_after_the_duration_and_its_failure_goes_out_twice(platform: Standalone) -> None:
    async with connected(platform) as (api, receiver):
        slots = {"seconds": "0", "exit_code": "3"}
        task_id, url = await api.trigger("lone_call", "wait", threshold=5, duration=1, slots=slots)
        secret = await api.subscribe(receiver.url, task_id)
        began = asyncio.get_running_loop().time()
        await api.call(url, b"{}")
        events = [_verified(await receiver.request(number), secret) for number in (1, 2, 3)]
        assert asyncio.get_running_loop().time() - began >= 1
        [execution] = await api.executions(task_id)
    kinds = sorted((event["eventType"], event["data"]["runStatus"], event["data"]["runStatusCode"]) for event in events)
    assert kinds == [
        ("job.run.completed", "Errored", 20),
        ("job.run.errored", "Errored", 20),
        ("job.run.started", "Running", 3),
    ]
    assert len({event["eventId"] for event in events}) == 3
    assert (execution["state"], execution["call_count"]) == ("FAILED", 1)


async def test_a_started_run_whose_runner_is_killed_ends_as_runner_lost_and_is_announced(platform: Standalone) -> None:
    async with connected(platform) as (api, receiver):
        slots = {"seconds": "60", "exit_code": "0"}
        task_id, url = await api.trigger("lost_runner", "wait", threshold=1, duration=60, slots=slots)
        secret = await api.subscribe(receiver.url, task_id)
        await api.call(url, b"{}")
        _verified(await receiver.request(1), secret)
        _runner_of(platform).send_signal(signal.SIGKILL)
        events = [_verified(await receiver.request(number), secret) for number in (2, 3)]
        [execution] = await api.executions(task_id)
    assert {event["eventType"] for event in events} == {"job.run.errored", "job.run.completed"}
    assert {event["data"]["runStatus"] for event in events} == {"Errored"}
    assert (execution["state"], execution["runs"][0]["reason"]) == ("FAILED", "runner_lost")


async def test_a_run_that_was_acquired_and_not_started_is_taken_again(platform: Standalone) -> None:
    """The runner is stopped, so that it can take runs and not start them; then it is killed, and its successor takes them."""
    async with connected(platform) as (api, receiver):
        task_id, url = await api.trigger("taken_again", "echo-payload", threshold=1, duration=60, slots={})
        secret = await api.subscribe(receiver.url, task_id)
        runner = _runner_of(platform)
        runner.suspend()
        await api.call(url, b"{}")
        await _acquired(platform, task_id)
        runner.kill()
        events = [_verified(await receiver.request(number), secret) for number in (1, 2)]
        [execution] = await api.executions(task_id)
    assert [event["eventType"] for event in events] == ["job.run.started", "job.run.completed"]
    assert (execution["state"], len(execution["runs"])) == ("SUCCEEDED", 1)


def _runner_of(platform: Standalone) -> psutil.Process:
    for process in psutil.Process(platform.process.pid).children(recursive=True):
        if process.cmdline()[-2:] == ["-m", "runner"]:
            return process
    raise AssertionError("no runner")


async def _acquired(platform: Standalone, task_id: str) -> None:
    connection = await asyncpg.connect(platform.facts["database_url"])
    try:
        async with asyncio.timeout(10):
            while not await connection.fetchval(  # noqa: ASYNC110 - another process's row
                "select exists (select 1 from trigger.run where task_id = $1 and lease_id is not null)", int(task_id)
            ):
                await asyncio.sleep(0.05)
    finally:
        await connection.close()
