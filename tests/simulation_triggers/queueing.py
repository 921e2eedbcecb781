"""What 0009_executions.sql decides about a target's executions: who may queue, whose turn it is, starts, reruns, pauses."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.simulation_triggers.rows import (
    FAILED,
    PENDING,
    REJECTED,
    Execution,
    Plan,
    Run,
    Tables,
    Task,
    Told,
)

QUEUE_MS = 60 * 60 * 1000
Planned = tuple[list[list[int]], int | None, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to be executed, before the queue limit was asked."""

    public_id: str
    target: int
    trigger_id: int | None = None
    window_id: int | None = None
    call_count: int = 0
    cause: str
    payload_of: int | None = None
    payload_bytes: int = 0
    rerun_of: int | None = None
    first_step: int = 1
    plan: Planned | None = None


class Queueing:
    """The queue of every target. `now` is the database's clock."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.now = 0

    def rules(self, target: int) -> Task | Plan:
        """What decides about a target's executions."""
        return self.tables.tasks[target] if target > 0 else self.tables.plans[-target]

    def plan_of(self, target: int) -> Planned | None:
        """A plan as it is."""
        if target > 0:
            return None
        plan = self.tables.plans[-target]
        return ([sorted(step) for step in plan.steps], plan.handler, plan.timeout)

    def room(self, target: int) -> int:
        """How many more executions may come into the queue."""
        rules = self.rules(target)
        queued = self._count(
            target,
            lambda one: (
                one.queued_at is not None
                and one.queued_at > self.now - QUEUE_MS
                and (rules.queue_count == "rolling" or one.unfinished)
            ),
        )
        return rules.queue_limit - min(rules.queue_limit, queued)

    def queue_is_full(self, target: int) -> bool:
        """Whether a call that would open a window is to be refused."""
        return self.rules(target).queue_mode == "reject" and self.room(target) <= 0

    def enqueue(self, wishes: Sequence[Wish]) -> list[Execution]:
        """Makes executions with their first runs; what is beyond the limit is REJECTED, or held."""
        judged = {wish.target: (self.room(wish.target), self._nobody_before(wish.target)) for wish in wishes}
        places: dict[int, int] = {}
        made = []
        for wish in wishes:
            places[wish.target] = places.get(wish.target, 0) + 1
            made.append(self._decide(wish, places[wish.target], *judged[wish.target]))
        held = []
        for execution in sorted(made, key=lambda one: one.step):
            self._begin(execution)
        for execution in made:
            if execution.state == PENDING and execution.queued_at is None and execution.target not in held:
                held.append(execution.target)
        for target in held:
            self.give_turns(target)
        return made

    def start_execution(
        self, public_id: str, target: int, cause: str, trigger_id: int | None, payload_bytes: int
    ) -> tuple[str, str | None]:
        """Starts a target by hand (cause manual) or by a schedule."""
        if cause == "manual" and self.queue_is_full(target):
            return ("QUEUE_FULL", None)
        [made] = self.enqueue(
            [
                Wish(
                    public_id=public_id,
                    target=target,
                    trigger_id=trigger_id,
                    cause=cause,
                    payload_bytes=payload_bytes,
                    plan=self.plan_of(target),
                )
            ]
        )
        return ("STARTED", made.state)

    def rerun(self, public_id: str, execution_id: int, from_failed_step: bool) -> tuple[str, str | None]:
        """Executes again what an execution executed, with the identical payload."""
        old = self.tables.executions[execution_id]
        if old.unfinished:
            return ("NOT_FINISHED", None)
        if from_failed_step and old.failed_step is None:
            return ("NO_FAILED_STEP", None)
        if self.queue_is_full(old.target):
            return ("QUEUE_FULL", None)
        [made] = self.enqueue(
            [
                Wish(
                    public_id=public_id,
                    target=old.target,
                    trigger_id=old.trigger_id,
                    call_count=old.call_count,
                    cause="rerun",
                    payload_of=(old.payload_of or old.execution_id) if old.payload_bytes else None,
                    payload_bytes=old.payload_bytes,
                    rerun_of=old.execution_id,
                    first_step=(old.failed_step or 1) if from_failed_step else 1,
                    plan=old.plan if from_failed_step else self.plan_of(old.target),
                )
            ]
        )
        return ("STARTED", made.state)

    def pause(self, target: int, paused: bool) -> None:
        """Pauses a target or resumes it: also what has the turn and was not taken yet waits again."""
        self.rules(target).paused = paused
        if not paused:
            self.give_turns(target)
            return
        for execution in self._of(target):
            if execution.in_queue and execution.has_turn and execution.state == PENDING:
                runs = self.runs_of(execution)
                if runs and all(run.state == PENDING and run.lease is None for run in runs):
                    execution.turn_at = None
                    for run in runs:
                        run.due_at = None

    def admit_held(self) -> None:
        """Lets held executions in for which time made room."""
        held = sorted({one.target for one in self.tables.executions.values() if self._held(one)})
        for target in held:
            if not self.rules(target).paused and self.room(target) > 0:
                self.give_turns(target)

    def give_turns(self, target: int) -> None:
        """Lets held ones in as far as there is room, then gives the turn to whom it is due, oldest first."""
        if self.rules(target).paused:
            return
        held = [one for one in self._of(target) if self._held(one)]
        for one in held[: max(0, self.room(target))] if held else ():
            one.queued_at = self.now
        waiting = [one for one in self._of(target) if one.waiting]
        due = [one for one in waiting if not one.exclusive]
        if not any(one.exclusive and one.has_turn for one in self._of(target)):
            due += [one for one in waiting if one.exclusive][:1]
        for one in due:
            one.turn_at = self.now
            for run in self.runs_of(one):
                if run.state == PENDING and run.due_at is None:
                    run.due_at = self.now

    def runs_of(self, execution: Execution) -> list[Run]:
        """Its runs, oldest first."""
        return [run for run in self.tables.runs.values() if run.execution_id == execution.execution_id]

    def make_runs(self, execution: Execution, step: int) -> None:
        """Makes the runs of a step: of a plan 0 is its failure handler, of a task it says nothing."""
        born_failed = execution.state == FAILED
        made = []
        for task_id in sorted(tasks_of(execution.target, execution.plan, step)):
            task = self.tables.tasks[task_id]
            run = Run(
                run_id=len(self.tables.runs) + 1,
                task_id=task_id,
                execution_id=execution.execution_id,
                max_attempts=task.max_attempts,
                state=FAILED if born_failed else PENDING,
                reason=execution.reason if born_failed else "",
                created_at=self.now,
                due_at=self.now if execution.turn_at is not None else None,
                finished_at=execution.finished_at,
                step=step if execution.plan is not None else None,
                takes_payload=(execution.plan is None or step == 1)
                and execution.payload_bytes > 0
                and task.takes_payload,
            )
            self.tables.runs[run.run_id] = run
            made.append(run)
        if born_failed:
            self.tell_end(made, completed=True)

    def tell_end(self, runs: Iterable[Run], *, completed: bool) -> None:
        """Puts into the outbox what is told of runs that have just become final."""
        for run in runs:
            if run.state == FAILED:
                self.tell(f"run {run.run_id}", "job.run.errored", run.finished_at or 0, run.state)
            if completed:
                self.tell(f"run {run.run_id}", "job.run.completed", run.finished_at or 0, run.state)

    def tell(self, subject: str, event_type: str, at: int, state: str) -> None:
        """A row of the outbox, unless it is there."""
        if not any((one.subject, one.event_type) == (subject, event_type) for one in self.tables.outbox):
            self.tables.outbox.append(Told(subject=subject, event_type=event_type, event_at=at, run_state=state))

    def _decide(self, wish: Wish, place: int, room: int, nobody_before: bool) -> Execution:
        rules = self.rules(wish.target)
        failure = self._failure(wish)
        pending = not failure and (rules.queue_mode == "hold" or place <= room)
        state = FAILED if failure else PENDING if pending else REJECTED
        queued = pending and rules.queue_mode != "hold"
        turn = queued and not rules.paused and (rules.allow_parallel_runs or (nobody_before and place == 1))
        execution = Execution(
            execution_id=len(self.tables.executions) + 1,
            public_id=wish.public_id,
            target=wish.target,
            trigger_id=wish.trigger_id,
            window_id=wish.window_id,
            call_count=wish.call_count,
            exclusive=not rules.allow_parallel_runs,
            state=state,
            reason=failure or ("queue_limit" if state == REJECTED else ""),
            created_at=self.now,
            queued_at=self.now if queued else None,
            turn_at=self.now if turn else None,
            finished_at=None if pending else self.now,
            cause=wish.cause,
            payload_bytes=wish.payload_bytes,
            rerun_of=wish.rerun_of,
            payload_of=wish.payload_of,
            step=wish.first_step if wish.plan is not None else 0,
            plan=wish.plan,
        )
        self.tables.executions[execution.execution_id] = execution
        return execution

    def _failure(self, wish: Wish) -> str:
        takers = [
            one for one in tasks_of(wish.target, wish.plan, wish.first_step) if self.tables.tasks[one].takes_payload
        ]
        return "parameter_missing" if wish.payload_bytes and wish.first_step == 1 and not takers else ""

    def _begin(self, execution: Execution) -> None:
        if execution.state == PENDING or (execution.reason == "parameter_missing" and execution.plan is None):
            self.make_runs(execution, execution.step)
        elif execution.state == REJECTED:
            self.tell(f"execution {execution.execution_id}", "execution.rejected", self.now, FAILED)

    def _nobody_before(self, target: int) -> bool:
        return not any(one.exclusive and (one.has_turn or one.waiting) for one in self._of(target))

    def _of(self, target: int) -> list[Execution]:
        return [one for one in self.tables.executions.values() if one.target == target]

    def _count(self, target: int, counts: Callable[[Execution], bool]) -> int:
        return sum(one.target == target and counts(one) for one in self.tables.executions.values())

    @staticmethod
    def _held(execution: Execution) -> bool:
        return execution.queued_at is None and execution.unfinished


def tasks_of(target: int, plan: Planned | None, step: int) -> list[int]:
    """The tasks of a step of an execution, from 1, or of its failure handler, 0; an execution of a task has one step."""
    if plan is None:
        return [target]
    if step == 0:
        return [plan[1]] if plan[1] is not None else []
    return plan[0][step - 1]
