"""The trace of what comes of calls: one for a window, its calls, its execution, the runs and the events that tell of them.

Its ids are computed from the window (of an execution without one, from the execution), so that whichever pod takes, closes,
starts, ends or announces finds the same trace, and nothing of it is stored. A call points to the trace of its sender and does
not join it: a window has many senders, and all are strangers, whose flag must not decide what we keep. The sampler does, by the
window's trace. Told after the commits, in groups; what fails here costs spans and nothing else.
"""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from chassis import tracing
from chassis.database import AWAY_ERRORS
from trigger_svc.run import Ending
from trigger_svc.store import journey as store
from trigger_svc.store.journey import Travelled
from trigger_svc.store.window import Closed

#: How many newer calls a flush's own are looked for behind; those that others drowned meanwhile have no span.
MOST_NEWER = 100
MOST_TELLINGS = 20  # under way at once in a pod; beyond that, groups go untold
SHA = hashlib.sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A call that was committed: `sender` is the traceparent that it came with, `since_ns` when, since 1970."""

    trigger_id: int
    call_id: str
    sender: str
    since_ns: int


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace by what it is of: ids of it and of its first span."""

    trace_id: int
    span_id: int

    @classmethod
    def of(cls, subject: str) -> "Trace":
        """The one trace of that name, which must be unique in the world."""
        digest = SHA(subject.encode()).digest()
        return cls(int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:24], "big"))

    def below(self, subject: str) -> int:
        """The id of the span of that name in it."""
        return int.from_bytes(SHA(f"{self.trace_id:032x} {subject}".encode()).digest()[:8], "big")

    def context(self, span_id: int) -> str:
        """The traceparent of a span of it."""
        return f"00-{self.trace_id:032x}-{span_id:016x}-01"


def trace_of_window(trigger_id: str, window_id: int) -> Trace:
    """The trace of a window of that public trigger id."""
    return Trace.of(f"{trigger_id} {window_id}")


class Journey:
    """Tells the spans of this pod's part."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._telling: set[asyncio.Task[None]] = set()

    def taken(self, calls: Sequence[Taken]) -> None:
        """Calls whose flush is committed."""
        if calls and tracing.on() and len(self._telling) < MOST_TELLINGS:
            self._keep(asyncio.create_task(self._tell_calls(calls, time.time_ns())))

    def closed(self, windows: Sequence[Closed]) -> None:
        """Windows that this pod closed."""
        if not tracing.on() or len(self._telling) >= MOST_TELLINGS:
            return
        traces = {one.window_id: trace_of_window(one.trigger_id, one.window_id) for one in windows}
        told = [one for one in windows if tracing.samples(traces[one.window_id].trace_id)]
        if told:
            self._keep(asyncio.create_task(self._tell_windows(told)))

    async def of_runs(self, run_ids: Iterable[int]) -> dict[int, str]:
        """The traceparents of runs whose trace is told: of what they do, and of what is told of them."""
        found: dict[int, str] = {}
        with suppress(*AWAY_ERRORS):
            for one in await store.travelled(self._pool, sorted(set(run_ids))):
                trace = _trace_of(one)
                if tracing.samples(trace.trace_id):
                    found[one.run_id] = trace.context(trace.below(f"run {one.run_id}"))
        return found

    async def run_ended(self, run_id: int, ending: Ending, execution_state: str | None) -> None:
        """A run that is final; `execution_state` when its execution is, too."""
        with suppress(*AWAY_ERRORS):
            for one in await store.travelled(self._pool, [run_id]):
                _tell_run(one, _trace_of(one), ending, execution_state)

    async def _tell_calls(self, calls: Sequence[Taken], until_ns: int) -> None:
        own = Counter(call.trigger_id for call in calls)
        most = {trigger_id: count + MOST_NEWER for trigger_id, count in own.items()}
        with suppress(*AWAY_ERRORS):
            windows = await store.windows_of_calls(self._pool, most, [call.call_id for call in calls])
            for call in calls:
                if call.call_id in windows:
                    _tell_call(call, *windows[call.call_id], until_ns)

    async def _tell_windows(self, windows: Sequence[Closed]) -> None:
        with suppress(*AWAY_ERRORS):
            spans = await store.spans_of_windows(self._pool, [one.window_id for one in windows])
            for one in windows:
                if one.window_id in spans:
                    _tell_window(one, *spans[one.window_id])

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)


def _tell_call(call: Taken, trigger_id: str, window_id: int, until_ns: int) -> None:
    trace = trace_of_window(trigger_id, window_id)
    if not tracing.samples(trace.trace_id):
        return
    span = tracing.begin(
        "call",
        "consumer",
        parent=trace.context(trace.span_id),
        links=[call.sender] if call.sender else (),
        attributes={"runhook.call.id": call.call_id, "runhook.trigger.id": trigger_id, "runhook.window.id": window_id},
        since_ns=call.since_ns,
    )
    if span is not None:
        span.end(at_ns=until_ns)


def _tell_window(window: Closed, opened_at: datetime, closed_at: datetime) -> None:
    trace = trace_of_window(window.trigger_id, window.window_id)
    span = tracing.begin(
        "window",
        attributes={
            "runhook.trigger.id": window.trigger_id,
            "runhook.window.id": window.window_id,
            "runhook.window.calls": window.size,
            "runhook.window.reason": window.reason,
            "runhook.execution.id": window.execution_id,
        },
        since_ns=_ns(opened_at),
        ids=(trace.trace_id, trace.span_id),
    )
    if span is not None:
        span.end(at_ns=_ns(closed_at))


def _trace_of(one: Travelled) -> Trace:
    return _window_of(one) or Trace.of(one.execution_id)


def _window_of(one: Travelled) -> Trace | None:
    """The trace of its window; None where there was none, or its trigger is gone."""
    if one.trigger_id is None or one.window_id is None:
        return None
    return trace_of_window(one.trigger_id, one.window_id)


def _tell_run(one: Travelled, trace: Trace, ending: Ending, execution_state: str | None) -> None:
    """The run's span, below its execution's; the latter too when it is over. Without a window that one is the first."""
    if not tracing.samples(trace.trace_id):
        return
    alone = _window_of(one) is None
    execution = trace.span_id if alone else trace.below(one.execution_id)
    ids: dict[str, tracing.Value] = {"runhook.account.id": one.account_id, "runhook.execution.id": one.execution_id}
    run = tracing.begin(
        "run",
        parent=trace.context(execution),
        attributes={
            **ids,
            "runhook.run.id": one.run_id,
            "runhook.task.id": one.task_id,
            "runhook.run.state": ending.state,
        },
        since_ns=_ns(one.started_at or one.created_at),
        ids=(trace.trace_id, trace.below(f"run {one.run_id}")),
    )
    if run is not None:
        run.end(ending.reason, at_ns=None if one.finished_at is None else _ns(one.finished_at))
    if execution_state is None:
        return
    above = tracing.begin(
        "execution",
        parent="" if alone else trace.context(trace.span_id),
        attributes={**ids, "runhook.execution.state": execution_state},
        since_ns=_ns(one.execution_created_at),
        ids=(trace.trace_id, execution),
    )
    if above is not None:
        above.end("" if execution_state == "SUCCEEDED" else execution_state)


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1_000
