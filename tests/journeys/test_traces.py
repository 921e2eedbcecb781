"""One trace from publish to receiver, and one from a call to what is told of its run: the whole platform and a real collector.

It starts the platform once, since what is proven is that five processes hand a trace on to each other.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.support.collector import AT_ONCE, Collector, collecting
from tests.support.receiver import Receiver, Request
from tests.support.standalone import Standalone

CALLER_TRACE, CALLER_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Standalone]:
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, **AT_ONCE}
    with Standalone(tmp_path_factory.mktemp("platform") / "data", **settings) as running:
        yield running


class Api:
    """The REST door; `post` gives the answer's JSON."""

    def __init__(self, session: aiohttp.ClientSession, platform: Standalone) -> None:
        self._session = session
        self._base = f"{platform.facts['gateway_url']}/api"
        self.account = platform.facts["account_id"]
        self._headers = {"Authorization": f"Token {platform.facts['token']}"}

    async def post(self, path: str, body: dict[str, Any], version: str = "v1", traceparent: str = "") -> Any:
        url = f"{self._base}/{version}/accounts/{self.account}/{path}"
        headers = {**self._headers, **({"traceparent": traceparent} if traceparent else {})}
        async with self._session.post(url, json=body, headers=headers) as answer:
            assert answer.status in (200, 201), await answer.text()
            return await answer.json()

    async def call(self, url: str, traceparent: str) -> None:
        headers = {"Content-Type": "application/json", "traceparent": traceparent}
        async with self._session.post(url, data=b"{}", headers=headers) as answer:
            assert answer.status == 204, await answer.text()

    async def subscribe(self, url: str, job_id: int) -> None:
        kinds = ["job.run.started", "job.run.completed"]
        wish = {"active": True, "client_url": url, "event_types": kinds, "name": "traces", "job_ids": [job_id]}
        await self.post("webhooks/subscriptions", wish, "v3")

    async def publish(self, job_id: int, traceparent: str, own: str = "") -> None:
        data = {
            **{"jobId": job_id, "jobName": "nightly", "runId": 1, "environmentId": 1, "environmentName": "Production"},
            **{"dbtVersion": "1.0.0", "projectName": "p", "projectId": 1, "runStatus": "Success", "runReason": "test"},
            **{"runStartedAt": "2023-01-31T19:28:07Z", "runFinishedAt": "2023-01-31T19:29:32Z"},
        }
        event = {"eventType": "job.run.completed", "data": data, **({"traceparent": own} if own else {})}
        await self.post("events", {"events": [event]}, traceparent=traceparent)


@asynccontextmanager
async def connected(platform: Standalone) -> AsyncIterator[tuple[Api, Receiver]]:
    async with Receiver() as receiver, aiohttp.ClientSession() as session:
        yield Api(session, platform), receiver


def _context(request: Request) -> tuple[str, str]:
    """Trace and span that the receiver was told."""
    version, trace, span, flags = request.headers["traceparent"].split("-")
    assert (version, flags) == ("00", "01")
    return trace, span


async def test_a_publish_and_its_delivery_are_one_trace_from_caller_to_receiver(
    platform: Standalone, collector: Collector
) -> None:
    async with connected(platform) as (api, receiver):
        await api.subscribe(receiver.url, 7001)
        await api.publish(7001, f"00-{CALLER_TRACE}-{CALLER_SPAN}-01")
        trace, span = _context(await receiver.request(1))
    deliver = collector.of(span)
    publish = collector.above(deliver)
    request = collector.above(publish)
    flush = collector.named("publish flush", CALLER_TRACE)
    assert trace == CALLER_TRACE
    assert (deliver.process, deliver.name) == ("delivery_svc", "deliver")
    assert deliver.attributes["http.response.status_code"] == 200
    assert (publish.process, publish.name, publish.attributes["runhook.events"]) == ("delivery_svc", "PublishEvents", 1)
    assert (request.process, request.name) == ("gateway", "POST /api/v1/accounts/{account_id}/events")
    assert request.parent == CALLER_SPAN
    assert flush.parent == publish.span
    assert not any(one.failed for one in (deliver, publish, request, flush))


async def test_an_event_that_names_its_own_trace_is_delivered_in_it(platform: Standalone, collector: Collector) -> None:
    own, above = "a" * 32, "b" * 16
    async with connected(platform) as (api, receiver):
        await api.subscribe(receiver.url, 7002)
        await api.publish(7002, f"00-{'c' * 32}-{CALLER_SPAN}-01", f"00-{own}-{above}-01")
        trace, span = _context(await receiver.request(1))
    deliver = collector.of(span)
    assert (trace, deliver.parent) == (own, above)
    assert collector.named("PublishEvents", "c" * 32).links == ((own, above),)


async def test_whom_the_caller_does_not_want_sampled_leaves_no_span(platform: Standalone, collector: Collector) -> None:
    async with connected(platform) as (api, receiver):
        await api.subscribe(receiver.url, 7003)
        await api.publish(7003, f"00-{'d' * 32}-{CALLER_SPAN}-00")
        await api.publish(7003, f"00-{'e' * 32}-{CALLER_SPAN}-00", f"00-{'f' * 32}-{CALLER_SPAN}-00")
        told = [(await receiver.request(number)).headers.get("traceparent") for number in (1, 2)]
        await api.publish(7003, f"00-{'1' * 32}-{CALLER_SPAN}-01")
        _, span = _context(await receiver.request(3))
    assert set(told) == {None, f"00-{'f' * 32}-{CALLER_SPAN}-00"}
    collector.of(span)
    assert not collector.traces & {"d" * 32, "e" * 32, "f" * 32}


async def test_a_call_and_what_comes_of_it_are_one_trace_that_points_to_its_senders(
    platform: Standalone, collector: Collector
) -> None:
    """From the calls over window, execution, run and command to the receiver of the run's events."""
    async with connected(platform) as (api, receiver):
        task = {"name": "traced", "command": "echo-payload", "parameters": [{"name": "resource_webhook_payload"}]}
        task_id = (await api.post("tasks", task))["task_id"]
        window = {"name": "traced", "task_id": task_id, "threshold": 2, "duration_seconds": 60}
        url = (await api.post("triggers", window))["url"]
        await api.subscribe(receiver.url, int(task_id))
        senders = ["2" * 32, "3" * 32]
        for sender in senders:
            await api.call(url, f"00-{sender}-{CALLER_SPAN}-01")
        contexts = [_context(await receiver.request(number)) for number in (1, 2)]
    [trace] = {trace for trace, _ in contexts}
    deliveries = [collector.of(span) for _, span in contexts]
    [run] = {collector.above(one).span: collector.above(one) for one in deliveries}.values()
    execution = collector.above(run)
    root = collector.above(execution)
    assert [(one.process, one.name) for one in (run, execution, root)] == [
        ("trigger_svc", "run"),
        ("trigger_svc", "execution"),
        ("trigger_svc", "window"),
    ]
    assert (root.parent, root.attributes["runhook.window.calls"]) == ("", 2)
    command = collector.named("command", trace)
    assert (command.process, command.parent) == ("runner", run.span)
    for sender in senders:
        door = collector.named("POST /t/{token}", sender)
        call = collector.pointing_to(door, "call")
        assert (door.process, door.parent) == ("gateway", CALLER_SPAN)
        assert (call.process, call.trace, call.parent) == ("trigger_svc", trace, root.span)
