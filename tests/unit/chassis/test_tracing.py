"""Traces: what is off, who decides what is told, what a group's flush looks like; a collector that is away harms nobody."""

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis import otlp, telemetry, tracing
from chassis.grouping import GroupCommit
from chassis.otlp import OtlpTracer
from chassis.settings import Settings, SettingsError
from tests.support.collector import AT_ONCE, Collector, collecting

PARENT = f"00-{'a' * 32}-{'b' * 16}"
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture
def told(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Traces are on, and these are the spans."""
    for name, value in {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, **AT_ONCE}.items():
        monkeypatch.setenv(name, value)
    tracing.turn_on(OtlpTracer("test", "pod-1", {}))
    yield collector
    tracing.close()


def test_only_one_room_imports_opentelemetry_and_only_when_traces_are_turned_on() -> None:
    product = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name not in ("bench", "tests")]
    texts = {path: path.read_text() for room in product for path in room.rglob("*.py")}
    importers = [
        path.name for path, text in texts.items() if re.search(r"^\s*(from|import) opentelemetry", text, re.MULTILINE)
    ]
    lazily = [
        path.name for path, text in texts.items() if re.search(r"^\s+from chassis.otlp import", text, re.MULTILINE)
    ]
    at_once = [
        path.name for path, text in texts.items() if re.search(r"^(from|import) chassis.otlp", text, re.MULTILINE)
    ]
    assert (importers, lazily, at_once) == (["otlp.py"], ["telemetry.py"], [])


@pytest.mark.parametrize(
    ("wanted", "environ"),
    [
        ("auto", {}),
        ("off", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}),
        ("auto", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}),
        ("auto", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}),
    ],
)
def test_nobody_is_traced_who_did_not_ask_for_it(wanted: str, environ: dict[str, str]) -> None:
    telemetry.configure(Settings(tracing=wanted), "test", environ)
    assert not tracing.on()
    assert tracing.begin("anything") is None
    assert not tracing.samples(1)


def test_a_missing_extra_is_an_error_only_where_the_setting_asks_for_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "EXTRA", "no_such_package.of_ours")
    telemetry.configure(Settings(), "test", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})
    assert not tracing.on()
    with pytest.raises(SettingsError, match="runhook-platform\\[otel\\]"):
        telemetry.configure(Settings(tracing="on"), "test", {})


def test_the_parents_flag_decides_what_is_told(told: Collector) -> None:
    assert tracing.begin("left out", parent=f"{PARENT}-00") is None
    span = tracing.begin("kept", parent=f"{PARENT}-01", attributes={"runhook.events": 2})
    assert span is not None
    assert span.traceparent.startswith(f"00-{'a' * 32}-")
    span.end("it broke")
    seen = told.named("kept", "a" * 32)
    assert (seen.parent, seen.attributes, seen.failed, seen.process) == ("b" * 16, {"runhook.events": 2}, True, "test")


@pytest.mark.parametrize("parent", ["", "garbage", f"00-{'0' * 32}-{'b' * 16}-01", f"00-{'A' * 32}-{'b' * 16}-01"])
def test_what_is_no_traceparent_begins_a_trace_of_its_own(told: Collector, parent: str) -> None:
    span = tracing.begin("first", parent=parent)
    assert span is not None
    assert "a" * 32 not in span.traceparent
    span.end()


def test_a_span_gets_the_ids_that_it_has_to_have(told: Collector) -> None:
    span = tracing.begin("chosen", ids=(0xABC, 0xDEF))
    other = tracing.begin("another")
    assert span is not None
    assert other is not None
    assert span.traceparent == f"00-{0xABC:032x}-{0xDEF:016x}-01"
    assert f"{0xABC:032x}" not in other.traceparent


def test_a_share_of_traces_is_the_same_wherever_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.25")
    ids = [number * 0x9E3779B97F4A7C15 % 2**64 for number in range(1, 401)]
    answers = []
    for _ in range(2):
        tracing.turn_on(OtlpTracer("test", "pod", {}))
        answers.append([tracing.samples(one) for one in ids])
        tracing.close()
    assert answers[0] == answers[1]
    assert 60 < sum(answers[0]) < 140


async def test_a_groups_flush_is_one_span_below_its_first_caller_and_the_others_point_to_it(told: Collector) -> None:
    gate = asyncio.Event()

    async def flush(group: list[int]) -> list[int]:
        await gate.wait()
        return group

    async def submit(number: int) -> None:
        span = tracing.begin(f"caller {number}", parent=f"00-{number:032x}-{'b' * 16}-01")
        assert span is not None
        tracing.current.set(span)
        await group.submit(number)
        span.end()

    group: GroupCommit[int, int] = GroupCommit("traced", flush)
    untraced = asyncio.create_task(group.submit(9))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    callers = [asyncio.create_task(submit(number)) for number in (1, 2)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(untraced, *callers)
    first = await asyncio.to_thread(told.named, "caller 1", f"{1:032x}")
    second = await asyncio.to_thread(told.named, "caller 2", f"{2:032x}")
    shared = await asyncio.to_thread(told.named, "traced flush", f"{1:032x}")
    assert (shared.parent, shared.attributes) == (first.span, {"runhook.group.items": 2})
    assert second.links == ((shared.trace, shared.span),)


async def test_a_flush_that_fails_is_told_as_failed(told: Collector) -> None:
    async def flush(group: list[int]) -> list[int]:
        raise TimeoutError

    group: GroupCommit[int, int] = GroupCommit("failing", flush)
    span = tracing.begin("caller", parent=f"00-{7:032x}-{'b' * 16}-01")
    tracing.current.set(span)
    with pytest.raises(TimeoutError):
        await group.submit(1)
    assert (await asyncio.to_thread(told.named, "failing flush", f"{7:032x}")).failed


def test_a_collector_that_is_away_does_not_keep_a_process_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    tracing.turn_on(OtlpTracer("test", "pod", {}))
    for _ in range(3_000):  # more than the queue holds
        span = tracing.begin("lost")
        assert span is not None
        span.end()
    monkeypatch.setattr(otlp, "LAST_FLUSH_SECONDS", 0.2)
    began = time.monotonic()
    tracing.close()
    assert time.monotonic() - began < 10  # the SDK alone waits for 30
    assert "last spans" not in {thread.name for thread in threading.enumerate()}
