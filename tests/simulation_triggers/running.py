"""What becomes of runs: taken, started, finished, lost; plans go on step by step. Each method is one transaction."""

from tests.simulation_triggers.receiving import Receiving
from tests.simulation_triggers.rows import CANCELLED, FAILED, PENDING, RUNNING, SUCCEEDED, Execution, Run
from trigger_svc import plan

LEASE_MS = 30_000
#: Which runs' reasons their executions do not repeat.
OF_THE_RUN = ("command_failed", "not_runnable")


class Model(Receiving):
    """All of it."""

    def acquire(self) -> int | None:
        """Leases the run that has waited longest; which."""
        free = [one for one in self.tables.runs.values() if self.is_free(one)]
        if not free:
            return None
        run = min(free, key=lambda one: (one.due_at or 0, one.run_id))
        self.tables.leases_made += 1
        run.lease, run.lease_until = self.tables.leases_made, self.now + LEASE_MS
        return run.run_id

    def is_free(self, run: Run) -> bool:
        """Whether a runner may take it."""
        return run.state == PENDING and run.lease is None and run.due_at is not None

    def start(self, run_id: int, lease: int) -> bool:
        """A runner starts what it took; False when its lease is gone."""
        run = self.tables.runs[run_id]
        if run.state != PENDING or run.lease != lease:
            return False
        run.state, run.attempts = RUNNING, run.attempts + 1
        run.started_at, run.lease_until = self.now, self.now + LEASE_MS
        execution = self.execution_of(run)
        if execution.state == PENDING:
            execution.state, execution.started_at = RUNNING, self.now
            if execution.plan is not None:
                execution.deadline_at = self.now + execution.plan[2]
        self.tell(f"run {run_id}", "job.run.started", self.now, RUNNING)
        return True

    def heartbeat(self, run_id: int, lease: int) -> bool:
        """Prolongs a lease; False when it is gone."""
        run = self.tables.runs[run_id]
        if run.lease != lease or run.state == CANCELLED:
            return False
        if run.finished_at is None:
            run.lease_until = self.now + LEASE_MS
        return True

    def finish(self, run_id: int, lease: int, reason: str, artifact_ms: int = 0, *, lost: bool = False) -> str:
        """A runner's report (no reason: it went well), or the rescuer's on a lost one."""
        run = self.tables.runs[run_id]
        if run.lease != lease:
            return "LEASE_LOST"
        if run.finished_at is not None or (lost and (run.lease_until or 0) > self.now):
            return "REPEATED"
        run.state, run.reason = (FAILED if reason else SUCCEEDED), reason
        run.finished_at, run.lease_until = self.now, None
        run.lease = None if lost else lease
        run.artifacts_due_at = self.now + artifact_ms if artifact_ms > 0 else None
        self.tell_end([run], completed=artifact_ms <= 0)
        execution = self.execution_of(run)
        if execution.plan is None:
            self.end_execution(execution, run.state, execution_reason(reason))
            return "FINISHED"
        if run.state == FAILED and execution.failed_step is None:
            execution.failed_step, execution.failure = run.step, execution_reason(reason)
        self.advance(execution)
        return "FINISHED"

    def rescue(self) -> None:
        """One look of a rescuer: what was not started in time is free again, lost runs end or are tried again, plans time out,
        held executions come in, artifacts are no longer waited for."""
        for run in self.tables.runs.values():
            if run.state == PENDING and self._over(run.lease_until):
                run.lease = run.lease_until = None
        lost = [run for run in self.tables.runs.values() if run.state == RUNNING and self._over(run.lease_until)]
        for run in sorted(lost, key=lambda run: (run.lease_until or 0, run.run_id)):
            if run.attempts < run.max_attempts:
                run.state, run.due_at, run.started_at = PENDING, self.now, None
                run.lease = run.lease_until = None
            else:
                self.finish(run.run_id, run.lease or 0, "runner_lost", lost=True)
        late = [one for one in self.tables.executions.values() if one.unfinished and self._over(one.deadline_at)]
        for execution in sorted(late, key=lambda one: one.deadline_at or 0):
            self.time_out(execution.execution_id)
        self.admit_held()
        for run in self.tables.runs.values():
            if self._over(run.artifacts_due_at):
                run.artifacts_due_at = None
                self.tell(f"run {run.run_id}", "job.run.completed", self.now, run.state)

    def cancel(self, execution_id: int) -> str:
        """Cancels an execution with its runs; a failure handler is not started."""
        execution = self.tables.executions[execution_id]
        if not execution.unfinished:
            return "REPEATED" if execution.state == CANCELLED else "FINISHED"
        self.end_runs(execution, CANCELLED, "")
        self.end_execution(execution, CANCELLED, "")
        return "CANCELLED"

    def time_out(self, execution_id: int) -> bool:
        """Ends what still runs of a plan whose time is over."""
        execution = self.tables.executions[execution_id]
        if not execution.unfinished or not self._over(execution.deadline_at):
            return False
        execution.deadline_at = None
        if execution.failed_step is None:
            execution.failed_step, execution.failure = execution.step, "timed_out"
        self.end_runs(execution, FAILED, "timed_out")
        self.advance(execution)
        return True

    def end_runs(self, execution: Execution, state: str, reason: str) -> None:
        """Ends unfinished runs from outside: those that wait are CANCELLED."""
        ended = [run for run in self.runs_of(execution) if run.finished_at is None]
        for run in ended:
            running = run.state == RUNNING
            run.state, run.reason = (state, reason) if running else (CANCELLED, "")
            run.finished_at, run.lease, run.lease_until = self.now, None, None
        self.tell_end(ended, completed=True)

    def end_execution(self, execution: Execution, state: str, reason: str) -> None:
        """Makes it final and hands its turn on."""
        execution.state, execution.reason, execution.finished_at = state, reason, self.now
        self.give_turns(execution.target)

    def advance(self, execution: Execution) -> None:
        """What comes next in a plan, now that a run of it has ended: trigger_svc/plan.py says it."""
        assert execution.plan is not None
        at = plan.Progress(
            steps=len(execution.plan[0]),
            step=execution.step,
            unfinished=sum(run.finished_at is None for run in self.runs_of(execution)),
            failed=execution.failed_step is not None,
            handling=execution.handling,
            has_handler=execution.plan[1] is not None,
        )
        match plan.next_move(at):
            case plan.Move.SUCCEED:
                self.end_execution(execution, SUCCEEDED, "")
            case plan.Move.STEP:
                execution.step += 1
                self.make_runs(execution, execution.step)
            case plan.Move.HANDLER:
                execution.handling, execution.deadline_at = True, None
                self.make_runs(execution, 0)
            case plan.Move.FAIL:
                self.end_execution(execution, FAILED, execution.failure)

    def execution_of(self, run: Run) -> Execution:
        """The execution that a run belongs to."""
        return self.tables.executions[run.execution_id]

    def _over(self, moment: int | None) -> bool:
        return moment is not None and moment <= self.now


def execution_reason(run_reason: str) -> str:
    """What an execution says of a run's failure."""
    return "run_failed" if run_reason in OF_THE_RUN else run_reason
