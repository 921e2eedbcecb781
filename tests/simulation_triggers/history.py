"""One random history: calls, closers, edits, pauses, runs that end well, badly or never, starts, reruns, cancels, time.

A history is a list of steps, each one transaction, drawn from its seed and from the model alone, so that somebody else can
take the same steps. Commits whose outcome the callers do not hear, and flushes that were never carried out, are among them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.simulation_triggers.log import Log
from tests.simulation_triggers.oracle import Oracle, must
from tests.simulation_triggers.receiving import Flush, TooLarge, head_of_rule, moment
from tests.simulation_triggers.rows import PENDING, RUNNING, Call, Run
from tests.simulation_triggers.running import Model
from tests.simulation_triggers.world import LARGEST_CALL, peopled
from trigger_svc import window as rule

HOUR_MS = 3_600_000
LONGEST = 60
SETTLE_STEPS = 2_000


@dataclass(frozen=True, slots=True)
class Step:
    """A method of the model with its arguments, at a time."""

    now: int
    what: str
    arguments: tuple[Any, ...]


class History:
    """`steps` yields each step after the model took it; `answer` is what it answered then. Violation when a rule broke."""

    def __init__(self, seed: int, *, model: type[Model] = Model) -> None:
        self.random = Random(seed)
        self.model = model()
        self.model.tables = peopled(self.random)
        self.log = Log()
        self.oracle = Oracle(self.log)
        self.answer: Any = None
        self._calls = 0
        self._executions = 0
        self._flushes = 0
        self._sent: dict[str, Call] = {}  # keyed calls, to be sent again
        self._expected: dict[int, tuple[rule.Head, list[rule.Window]]] = {}

    def run(self) -> None:
        """Takes all steps."""
        for _ in self.steps():
            pass

    def steps(self) -> Iterator[Step]:
        """The history itself, and then whatever it takes until all has come to rest."""
        for _ in range(self.random.randint(10, LONGEST)):
            self._pass_time()
            step = self._drawn()
            if step is not None:
                yield self._take(*step)
        yield from self._settle()
        self.oracle.end(self.model.tables, self.model.now)

    def _take(self, what: str, *arguments: Any) -> Step:
        step = Step(self.model.now, what, arguments)
        if what == "receive":
            self._receive(*arguments)
        else:
            before = {call.call_id for call in self.model.tables.calls}
            self.answer = getattr(self.model, what)(*arguments)
            if what == "close_window" and arguments[1] == "discarded":
                self.log.discarded |= before - {call.call_id for call in self.model.tables.calls}
        self.oracle.look(self.model.tables, self.model.now)
        return step

    def _receive(self, flush: Flush) -> None:
        """What the callers hear: 204, a refusal, or nothing at all of what was carried out."""
        self._ask_the_rule(flush)
        try:
            self.answer = self.model.receive(flush)
        except TooLarge:
            self.answer = "too large"
            self.log.refused |= {call.call_id for _, calls in flush.calls for call in calls}
            return
        self._compare_the_rule()
        unheard = self.random.random() < 0.1
        left_out = {answer[1]: answer[2:] for answer in self.answer if answer[0] in ("DUPLICATE", "REFUSED")}
        taken = {answer[1] for answer in self.answer if answer[0] == "TAKEN"}
        place = 0
        for trigger_id, calls in flush.calls:
            for call in calls:
                place += 1
                if trigger_id not in taken or (place in left_out and not left_out[place]):
                    self.log.refused.add(call.call_id)
                elif place in left_out:
                    self.log.repeated[call.call_id] = left_out[place][0]
                elif unheard:
                    self.log.unknown.add(call.call_id)
                else:
                    self.log.acked[call.call_id] = trigger_id

    def _ask_the_rule(self, flush: Flush) -> None:
        """trigger_svc/window.py says the same of a flush in which nothing but the window rule decides."""
        self._expected = {}
        for trigger_id, calls in flush.calls:
            head = self.model.tables.heads[trigger_id]
            plain = head.enabled and not any(call.key for call in calls) and not head.rejecting and not head.pausing
            if plain and all(call.size < head.max_bytes for call in calls):
                sizes = [call.size for call in calls]
                self._expected[trigger_id] = rule.take_in(head_of_rule(head), sizes, moment(self.model.now))

    def _compare_the_rule(self) -> None:
        for trigger_id, (head, closed) in self._expected.items():
            said = sorted((one.close_reason or "", one.size) for one in closed)
            went = sorted((one[3], one[4]) for one in self.answer if one[0] == "CLOSED" and one[1] == trigger_id)
            must(said == went, f"trigger_svc/window.py closes {said}, the model {went}")
            must(head_of_rule(self.model.tables.heads[trigger_id]) == head, "trigger_svc/window.py has another head")

    def _pass_time(self) -> None:
        deadlines = [one.deadline_at for one in self.model.tables.heads.values() if one.deadline_at is not None]
        if deadlines and max(deadlines) > self.model.now and self.random.random() < 0.15:
            self.model.now = max(deadlines)  # to the millisecond
            return
        self.model.now += self.random.choices(
            (self.random.randint(1, 50), self.random.randint(50, 3000), 31_000, HOUR_MS + 1, 4 * 24 * HOUR_MS),
            (50, 40, 6, 3, 1),
        )[0]

    def _drawn(self) -> tuple[Any, ...] | None:
        ways: list[tuple[int, Callable[[], tuple[Any, ...] | None]]] = [
            (30, self._flush),
            (8, lambda: ("close_expired", 100, self._ids(100))),
            (3, self._close_window),
            (2, self._edit),
            (2, lambda: ("enable", self._trigger())),
            (14, lambda: ("acquire",)),
            (14, self._start),
            (16, self._finish),
            (2, self._heartbeat),
            (6, lambda: ("rescue",)),
            (3, self._cancel),
            (3, self._rerun),
            (4, self._by_hand),
            (3, lambda: ("pause", self._target(), self.random.random() < 0.5)),
        ]
        [draw] = self.random.choices([way for _, way in ways], [weight for weight, _ in ways])
        return draw()

    def _flush(self) -> tuple[Any, ...]:
        some = self.random.sample(sorted(self.model.tables.heads), self.random.randint(1, len(self.model.tables.heads)))
        calls = [
            (trigger_id, [self._call(trigger_id) for _ in range(self.random.randint(1, 7))])
            for trigger_id in sorted(some)
        ]
        count = sum(len(of_trigger) for _, of_trigger in calls) + len(calls)
        self._flushes += 1
        return ("receive", Flush(number=self._flushes, calls=calls, execution_ids=self._ids(count)))

    def _call(self, trigger_id: int) -> Call:
        self._calls += 1
        call_id = f"cal_{self._calls:04}"
        again = [call for call in self._sent.values() if call.trigger_id == trigger_id]
        if again and self.random.random() < 0.2:
            return replace(self.random.choice(again), call_id=call_id)
        size = self.random.randint(1, LARGEST_CALL) if self.random.random() < 0.99 else 6000
        key = f"key {self.random.randint(1, 1000)}" if self.random.random() < 0.4 else None
        call = Call(call_id=call_id, trigger_id=trigger_id, size=size, key=key)
        if key is not None:
            self._sent[call_id] = call
        return call

    def _ids(self, count: int) -> list[str]:
        first, self._executions = self._executions, self._executions + count
        return [f"exe_{number:027}" for number in range(first, first + count)]

    def _trigger(self) -> int:
        return self.random.choice(sorted(self.model.tables.heads))

    def _target(self) -> int:
        return self.random.choice([*self.model.tables.tasks, *(-plan_id for plan_id in self.model.tables.plans)])

    def _close_window(self) -> tuple[Any, ...]:
        reason = self.random.choice(("flush", "flush", "disabled", "discarded"))
        return ("close_window", self._trigger(), reason, self._ids(1)[0])

    def _edit(self) -> tuple[Any, ...]:
        return ("edit", self._trigger(), self.random.randint(1, 6), 1000 * self.random.randint(1, 30))

    def _some_run(self, state: str) -> Run | None:
        runs = [run for run in self.model.tables.runs.values() if run.state == state and run.lease is not None]
        return self.random.choice(runs) if runs else None

    def _start(self) -> tuple[Any, ...] | None:
        run = self._some_run(PENDING)
        return None if run is None else ("start", run.run_id, self._lease(run))

    def _finish(self) -> tuple[Any, ...] | None:
        run = self._some_run(RUNNING) or self._some_run(PENDING)
        if run is None:
            return None
        never_started = run.state == PENDING
        reasons = ("not_runnable",) if never_started else ("", "", "", "command_failed", "timed_out", "not_runnable")
        reason = self.random.choice(reasons)
        return ("finish", run.run_id, self._lease(run), reason, self.random.choice((0, 5000)))

    def _heartbeat(self) -> tuple[Any, ...] | None:
        run = self._some_run(RUNNING)
        return None if run is None else ("heartbeat", run.run_id, self._lease(run))

    def _lease(self, run: Run) -> int:
        """Its lease; now and then an earlier one, as somebody has it who was silent for long."""
        lease = run.lease or 0
        return self.random.randint(1, lease) if self.random.random() < 0.1 else lease

    def _execution(self) -> int | None:
        return self.random.choice(list(self.model.tables.executions)) if self.model.tables.executions else None

    def _cancel(self) -> tuple[Any, ...] | None:
        execution_id = self._execution()
        return None if execution_id is None else ("cancel", execution_id)

    def _rerun(self) -> tuple[Any, ...] | None:
        execution_id = self._execution()
        return None if execution_id is None else ("rerun", self._ids(1)[0], execution_id, self.random.random() < 0.5)

    def _by_hand(self) -> tuple[Any, ...]:
        payload = self.random.choice((0, 0, 17))
        return ("start_execution", self._ids(1)[0], self._target(), "manual", None, payload)

    def _settle(self) -> Iterator[Step]:
        """Everything resumes, closers and rescuers look, runners do what they get, until nothing is left to do."""
        for target in [*self.model.tables.tasks, *(-plan_id for plan_id in self.model.tables.plans)]:
            self.model.now += 1
            yield self._take("pause", target, False)
        for _ in range(SETTLE_STEPS):
            self.model.now += 1
            step = self._next()
            if step is None:
                return
            yield self._take(*step)
        must(False, "it never comes to rest")

    def _next(self) -> tuple[Any, ...] | None:
        """What brings the history nearer to its rest."""
        tables = self.model.tables
        runs = [run for run in tables.runs.values() if run.finished_at is None]
        if any(self.model.is_free(run) for run in runs):
            return ("acquire",)
        for run in runs:
            if run.state == PENDING and run.lease is not None and (run.lease_until or 0) > self.model.now:
                return ("start", run.run_id, run.lease)
            if run.state == RUNNING:
                return ("finish", run.run_id, run.lease, self.random.choice(("", "command_failed")), 0)
        if any(head.window_id is not None for head in tables.heads.values()):
            self.model.now += 30_000
            return ("close_expired", 100, self._ids(100))
        if any(one.unfinished for one in tables.executions.values()) or any(
            run.artifacts_due_at is not None for run in tables.runs.values()
        ):
            self.model.now += HOUR_MS
            return ("rescue",)
        return None
