"""What must hold after every step of every history: invariants I1 to I14 of the inbound contract as far as they are rules, the
queue limit, turns, and the rule of a plan's steps. Told from the tables and the callers' log, not from how a step was made.
"""

from collections import Counter, defaultdict
from itertools import pairwise

from tests.simulation_triggers.log import Log
from tests.simulation_triggers.queueing import QUEUE_MS
from tests.simulation_triggers.rows import (
    CANCELLED,
    FAILED,
    REJECTED,
    RUNNING,
    SUCCEEDED,
    Call,
    Execution,
    Head,
    Run,
    Tables,
    Window,
)

#: What is compared over all rows is compared every so many steps, and at the end.
LOOKS_APART = 10
FINAL = (SUCCEEDED, FAILED, CANCELLED, REJECTED)


class Violation(AssertionError):
    """A rule that did not hold."""


class Oracle:
    """`look` after each step; `end` when all has come to rest."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._payloads: dict[int, tuple[str, ...]] = {}  # by window, once it is closed
        self._closed_windows: set[int] = set()
        self._ended: set[int] = set()  # executions
        self._seen: dict[int, tuple[object, ...]] = {}
        self._looks = 0

    def look(self, tables: Tables, now: int) -> None:
        """Raises Violation for the first rule that does not hold. What is final is looked at once, and once more at the end."""
        self._looks += 1
        by_window: defaultdict[int, list[Call]] = defaultdict(list)
        for call in tables.calls:
            if call.window_id not in self._closed_windows:
                by_window[call.window_id].append(call)
        for window in tables.windows.values():
            if window.window_id not in self._closed_windows:
                self._window(tables, window, by_window.get(window.window_id, []))
        runs: defaultdict[int, list[Run]] = defaultdict(list)
        for run in tables.runs.values():
            if run.execution_id not in self._ended:
                runs[run.execution_id].append(run)
        for execution in tables.executions.values():
            if execution.execution_id not in self._ended and self._is_news(execution, runs[execution.execution_id]):
                self._execution(execution, runs[execution.execution_id])
        self._queues(tables, now)
        if self._looks % LOOKS_APART == 0:
            self._whole(tables)

    def _is_news(self, execution: Execution, runs: list[Run]) -> bool:
        """Whether it changed since it was looked at."""
        now = (
            execution.state,
            execution.turn_at,
            execution.step,
            execution.failed_step,
            execution.handling,
            [(run.state, run.lease, run.attempts, run.due_at) for run in runs],
        )
        before = self._seen.get(execution.execution_id)
        self._seen[execution.execution_id] = now
        return now != before

    def _whole(self, tables: Tables) -> None:
        self._calls(tables)
        self._joins(tables)
        self._of_windows(tables)
        self._told(tables)

    def end(self, tables: Tables, now: int) -> None:
        """After everything was given its time: nothing waits, and all is told."""
        self._closed_windows.clear()
        self._ended.clear()
        self._seen.clear()
        self.look(tables, now)
        self._whole(tables)
        for execution in tables.executions.values():
            must(execution.state in FINAL, f"execution {execution.execution_id} never ends: {execution.state}")
        for head in tables.heads.values():
            must(head.window_id is None, f"I4: window {head.window_id} is never closed")
        told = {(one.subject, one.event_type) for one in tables.outbox}
        for run in tables.runs.values():
            must((f"run {run.run_id}", "job.run.completed") in told, f"run {run.run_id} is never told completed")
        for execution in tables.executions.values():
            silent = (f"execution {execution.execution_id}", "execution.rejected") not in told
            must(
                execution.state != REJECTED or not silent, f"execution {execution.execution_id} is rejected in silence"
            )

    def _calls(self, tables: Tables) -> None:
        stored = Counter(call.call_id for call in tables.calls)
        trigger_of = {call.call_id: call.trigger_id for call in tables.calls}
        must(max(stored.values(), default=1) == 1, "I1: a call is stored twice")
        for call_id, trigger_id in self._log.acked.items():
            must(trigger_of.get(call_id) == trigger_id or call_id in self._log.discarded, f"I1: {call_id} is lost")
        must(not self._log.refused & stored.keys(), "I9: a refused call counts")
        for sent, named in self._log.repeated.items():
            must(sent not in stored, f"I10: {sent} is stored beside {named}, which it repeats")
        silent = stored.keys() - self._log.acked.keys() - self._log.unknown
        must(not silent, f"I8: {sorted(silent)} are stored, and their senders were told otherwise")

    def _window(self, tables: Tables, window: Window, calls: list[Call]) -> None:
        name = f"window {window.window_id}"
        head = tables.heads[window.trigger_id]
        if is_open := window.state == "OPEN":
            must(head.window_id == window.window_id, f"I1: {name} is open and its head knows nothing of it")
        size = head.window_count if is_open else window.size
        payload = head.window_bytes if is_open else window.bytes
        seqs = [call.seq for call in calls]
        must(seqs == list(range(window.first_seq, window.first_seq + (size or 0))), f"I5: {name} holds {seqs}")
        must(1 <= len(calls) <= window.threshold, f"I2: {name} holds {len(calls)} calls")
        must(payload == 1 + sum(call.size for call in calls) <= head.max_bytes, f"I2: {name} has {payload} bytes")
        for call in calls:
            must(
                window.opened_at <= call.received_at < window.deadline_at, f"I6: {call.call_id} is not of {name}'s time"
            )
        if not is_open:
            self._closed(tables, window, calls, head)
            whole = tuple(call.call_id for call in calls)
            must(self._payloads.setdefault(window.window_id, whole) == whole, f"I13: {name} is no longer what it was")
            self._closed_windows.add(window.window_id)

    @staticmethod
    def _closed(tables: Tables, window: Window, calls: list[Call], head: Head) -> None:
        name, reason, closed_at = f"window {window.window_id}", window.close_reason, window.closed_at or 0
        must(reason != "threshold" or window.size == window.threshold, f"I3: {name} closed as full")
        must(reason == "threshold" or window.size != window.threshold, f"I3: {name} is full, and closed by {reason}")
        due = closed_at >= window.deadline_at
        must(reason != "deadline" or due, f"I3: {name} closed before its deadline")
        must(reason in ("deadline", "threshold") or not due, f"I3: {name} was over, and closed by {reason}")
        if reason == "bytes" and not head.rejecting:  # there, the call that did not fit may have been refused
            end = window.first_seq + len(calls)
            after = [one.size for one in tables.calls if one.trigger_id == window.trigger_id and one.seq == end]
            must(not after or (window.bytes or 0) + after[0] > head.max_bytes, f"I3: {name} had room for the next call")

    @staticmethod
    def _joins(tables: Tables) -> None:
        windows: defaultdict[int, list[Window]] = defaultdict(list)
        for window in tables.windows.values():
            windows[window.trigger_id].append(window)
        for of_trigger in windows.values():
            for before, after in pairwise(of_trigger):
                must(before.state == "CLOSED", f"I1: window {before.window_id} is open and not the newest")
                ends = before.first_seq + (before.size or 0)
                must(ends <= after.first_seq, f"I5: windows {before.window_id} and {after.window_id} overlap")

    @staticmethod
    def _of_windows(tables: Tables) -> None:
        made = Counter(one.window_id for one in tables.executions.values() if one.window_id is not None)
        closed = {one.window_id for one in tables.windows.values() if one.state == "CLOSED"}
        must(max(made.values(), default=1) == 1, "I1: a window has two executions")
        must(made.keys() == closed, f"I1: closed windows {sorted(closed)}, executions of {sorted(made)}")
        for one in tables.executions.values():
            if one.window_id is not None:
                window = tables.windows[one.window_id]
                must((one.call_count, one.payload_bytes) == (window.size, window.bytes), "I1: an execution miscounts")
            if one.rerun_of is not None:
                old = tables.executions[one.rerun_of]
                first = tables.executions[one.payload_of] if one.payload_of else None
                must(first is None or first.payload_of is None, "I13: a rerun points at a rerun's payload")
                own = old.payload_of or (old.execution_id if old.payload_bytes else None)
                must(one.payload_of == own and one.payload_bytes == old.payload_bytes, "I13: another payload")

    @staticmethod
    def _run(run: Run) -> None:
        name = f"run {run.run_id}"
        final = run.state in (SUCCEEDED, FAILED, CANCELLED)
        must(final == (run.finished_at is not None), f"{name} is {run.state} and has ended or not")
        must(run.state != RUNNING or run.lease is not None, f"{name} runs without a lease")
        must(not final or run.lease_until is None, f"{name} is final and leased")
        must(run.attempts <= run.max_attempts, f"{name} was started {run.attempts} times")
        must((run.state == FAILED) == (run.reason != ""), f"{name} is {run.state} for {run.reason!r}")

    def _execution(self, execution: Execution, runs: list[Run]) -> None:
        for run in runs:
            self._run(run)
        name = f"execution {execution.execution_id}"
        final = execution.state in FINAL
        must(final == (execution.finished_at is not None), f"{name} is {execution.state} and has ended or not")
        must(not final or all(run.finished_at is not None for run in runs), f"{name} is final, its runs are not")
        must(execution.state != RUNNING or execution.turn_at is not None, f"{name} runs without its turn")
        must(execution.state != REJECTED or not runs, f"{name} is rejected and has runs")
        taken = any(run.attempts or run.lease is not None for run in runs)
        must(not taken or execution.turn_at is not None, f"{name} is run before its turn")
        if execution.plan is None:
            must(len(runs) <= 1, f"{name} has {len(runs)} runs")
            if runs and execution.state in (SUCCEEDED, FAILED):
                must(runs[0].state == execution.state, f"{name} is {execution.state}, its run {runs[0].state}")
        else:
            self._steps(execution, runs, name)
        if final:
            self._ended.add(execution.execution_id)

    @staticmethod
    def _steps(execution: Execution, runs: list[Run], name: str) -> None:
        """The rule of section 6: a step after all of the one before went well; after a failure the handler, once."""
        assert execution.plan is not None
        steps, handler, _ = execution.plan
        by_step: defaultdict[int, list[Run]] = defaultdict(list)
        for run in runs:
            by_step[run.step or 0].append(run)
        ordinary = [run for run in runs if run.step]
        for step, of_step in by_step.items():
            wanted = steps[step - 1] if step else [handler]
            must(
                sorted(run.task_id for run in of_step) == sorted(one or 0 for one in wanted),
                f"{name}: step {step} has other tasks",
            )
            before = [run for run in ordinary if step and (run.step or 0) < step]
            ends = [run.finished_at or 0 for run in before if run.state == SUCCEEDED]
            must(len(ends) == len(before), f"{name}: step {step} began after a failure")
            must(all(end <= run.created_at for end in ends for run in of_step), f"{name}: step {step} began early")
        for run in by_step[0]:
            must(execution.failed_step is not None, f"{name}: the failure handler runs without a failure")
            must(all(one.finished_at is not None for one in ordinary), f"{name}: the failure handler did not wait")
            must(all((one.finished_at or 0) <= run.created_at for one in ordinary), f"{name}: the handler came early")
        went_well = len({run.step for run in ordinary if run.state == SUCCEEDED}) >= len(steps)
        first = min((run.step or 0 for run in ordinary), default=1)
        went_well = went_well or (first > 1 and len({run.step for run in ordinary}) == len(steps) - first + 1)
        good = all(run.state == SUCCEEDED for run in ordinary) and went_well
        must(execution.state != SUCCEEDED or good, f"{name} SUCCEEDED with a step that did not")
        must(execution.state != FAILED or not (good and ordinary), f"{name} FAILED although all went well")
        if execution.state == FAILED and handler is not None and runs and execution.reason != "parameter_missing":
            must(len(by_step[0]) == 1, f"{name} FAILED and its failure handler never ran")
        must(execution.state != CANCELLED or execution.handling or not by_step[0], f"{name}: a cancel ran the handler")

    def _queues(self, tables: Tables, now: int) -> None:
        targets: defaultdict[int, list[Execution]] = defaultdict(list)
        for execution in tables.executions.values():
            targets[execution.target].append(execution)
        for target, executions in targets.items():
            rules = tables.tasks[target] if target > 0 else tables.plans[-target]
            since = now - QUEUE_MS
            counted = [
                one
                for one in executions
                if one.queued_at is not None
                and one.queued_at > since
                and (rules.queue_count == "rolling" or one.unfinished)
            ]
            must(len(counted) <= rules.queue_limit, f"target {target}: {len(counted)} executions in the queue")
            rejected = [one for one in executions if one.state == REJECTED]
            must(rules.queue_mode != "hold" or not rejected, f"target {target} holds, and rejected one")
            holders = [one for one in executions if one.exclusive and one.has_turn]
            must(len(holders) <= 1, f"target {target}: {len(holders)} have the turn")
            waiting = [one for one in executions if one.waiting]
            if not rules.paused:
                must(not any(not one.exclusive for one in waiting), f"target {target}: one waits for no turn")
                must(bool(holders) or not waiting, f"target {target}: nobody has the turn")
            if holders:
                earlier = [one for one in waiting if one.exclusive and one.execution_id < holders[0].execution_id]
                held = rules.queue_mode == "hold"  # who was held comes in later, and keeps its number
                must(held or not earlier, f"target {target}: {holders[0].execution_id} overtook {len(earlier)}")

    @staticmethod
    def _told(tables: Tables) -> None:
        told = Counter((one.subject, one.event_type) for one in tables.outbox)
        must(max(told.values(), default=1) == 1, "an event is in the outbox twice")
        for run in tables.runs.values():
            name = f"run {run.run_id}"
            must((told[name, "job.run.started"] == 1) == (run.attempts > 0), f"{name}: its start is told or not")
            must((told[name, "job.run.errored"] == 1) == (run.state == FAILED), f"{name}: its failure is told or not")
            completed = told[name, "job.run.completed"] == 1
            waits = run.artifacts_due_at is not None
            must(completed == (run.finished_at is not None and not waits), f"{name}: its end is told or not")


def must(holds: bool, what: str) -> None:
    """Raises Violation unless it holds."""
    if not holds:
        raise Violation(what)
