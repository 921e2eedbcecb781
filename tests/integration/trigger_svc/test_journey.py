"""The trace of a window and of an execution without one, where the journey test does not come: trigger_svc in this process."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chassis import tracing
from chassis.otlp import OtlpTracer
from runhook.trigger.v1 import run_service_pb2 as run_pb
from runhook.trigger.v1 import trigger_service_pb2 as pb
from tests.support.collector import AT_ONCE, Collector, Seen, collecting
from tests.support.postgres import Database
from tests.support.trigger import ACCOUNT, call
from tests.support.trigger_service import METADATA, Service, service
from trigger_svc.journey import trace_of_window


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture
async def traced(
    database: Database, tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    """trigger_svc with its traces told to the collector."""
    for name, value in {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, **AT_ONCE}.items():
        monkeypatch.setenv(name, value)
    tracing.turn_on(OtlpTracer("trigger_svc", "pod-1", {}))
    try:
        async with service(database, tmp_path) as running:
            yield running
    finally:
        tracing.close()


async def test_a_window_that_its_deadline_closes_is_as_long_as_it_was_open(
    traced: Service, collector: Collector
) -> None:
    made, token = await traced.trigger(threshold=5, seconds=1)
    await traced.receive(call(token))
    async with traced.runner() as runner:
        await runner.take()
    window_id = await traced.pool.fetchval("select max(window_id) from trigger.window")
    trace = f"{trace_of_window(made.trigger_id, window_id).trace_id:032x}"
    window, one = [await asyncio.to_thread(collector.named, name, trace) for name in ("window", "call")]
    assert (window.parent, one.parent, one.links) == ("", window.span, ())
    assert (window.attributes["runhook.window.reason"], window.attributes["runhook.window.calls"]) == ("deadline", 1)
    assert window.seconds >= 1


async def test_an_execution_without_a_window_begins_its_own_trace_and_its_failure_shows(
    traced: Service, collector: Collector
) -> None:
    made, _ = await traced.trigger(threshold=1)
    wish = pb.StartExecutionRequest(account_id=ACCOUNT, task_id=made.task_id)
    execution_id = (await traced.triggers.StartExecution(wish, metadata=METADATA)).execution.execution_id
    async with traced.runner() as runner:
        lease = await runner.take()
        starting = traced.runs.StartRun(run_pb.StartRunRequest(lease=lease), metadata=METADATA)
        await starting
        told = dict(await starting.trailing_metadata() or ())[tracing.TRACEPARENT_KEY]
        await traced.finish(lease, exit_code=1)

    def is_root(one: Seen) -> bool:
        return one.name == "execution" and one.attributes["runhook.execution.id"] == execution_id

    root = await asyncio.to_thread(collector.span, is_root)
    run = await asyncio.to_thread(collector.named, "run", root.trace)
    assert told == f"00-{run.trace}-{run.span}-01"
    assert (root.parent, run.parent) == ("", root.span)
    assert (root.failed, run.failed, run.attributes["runhook.run.state"]) == (True, True, "FAILED")
