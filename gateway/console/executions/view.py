"""Executions and runs as their pages show them: pure functions of messages, names and the time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gateway.console.badge import Badge
from gateway.console.executions import words
from gateway.console.executions.summary import Summary, summary_of
from gateway.console.moment import Moment, moment
from gateway.console.names import Label, Names
from gateway.console.readable import size
from gateway.console.span import between
from runhook.trigger.v1.execution_pb2 import Execution, ExecutionState
from runhook.trigger.v1.run_pb2 import Run, RunState

_UNFINISHED = (ExecutionState.EXECUTION_STATE_PENDING, ExecutionState.EXECUTION_STATE_RUNNING)
_UNFINISHED_RUNS = (RunState.RUN_STATE_PENDING, RunState.RUN_STATE_RUNNING)


@dataclass(frozen=True, kw_only=True)
class RunView:
    """A run. `step` is empty where there are none; `waits` is the sentence of one that no runner has taken for long."""

    run_id: int
    path: str
    execution_path: str
    task: Label
    state: Badge
    busy: bool
    explanation: str
    message: str
    exit_code: str
    step: str
    created: Moment | None
    started: Moment | None
    finished: Moment | None
    took: str
    log_bytes: int
    log_size: str
    log_truncated: bool
    artifacts: tuple[str, ...]
    summary: Summary | None


@dataclass(frozen=True, kw_only=True)
class ExecutionView:
    """An execution, in a list or on its own page."""

    execution_id: str
    path: str
    target: Label
    state: Badge
    busy: bool
    is_plan: bool
    explanation: str
    cause: str
    trigger_id: str
    window_id: int
    call_count: int
    payload_bytes: int
    payload_size: str
    rerun_of: str
    step: str
    failed_step: bool
    created: Moment | None
    finished: Moment | None
    took: str
    runs: tuple[RunView, ...]


def run_view(run: Run, names: Names, now: datetime) -> RunView:
    """A run as it is now."""
    return RunView(
        run_id=run.run_id,
        path=f"/console/runs/{run.run_id}",
        execution_path=f"/console/executions/{run.execution_id}",
        task=names.task(run.task_id),
        state=words.RUN_STATES.get(run.state, words.UNKNOWN),
        busy=run.state in _UNFINISHED_RUNS,
        explanation=words.explanation(run.reason),
        message=run.message,
        exit_code=str(run.exit_code) if run.HasField("exit_code") else "",
        step=_step(run),
        created=moment(run.create_time, now),
        started=moment(run.start_time, now),
        finished=moment(run.finish_time, now),
        took=between(run.start_time, run.finish_time, now),
        log_bytes=run.log_bytes,
        log_size=size(run.log_bytes),
        log_truncated=run.log_truncated,
        artifacts=tuple(run.artifact_names),
        summary=summary_of(run.summary),
    )


def execution_view(execution: Execution, names: Names, now: datetime) -> ExecutionView:
    """An execution as it is now."""
    return ExecutionView(
        execution_id=execution.execution_id,
        path=f"/console/executions/{execution.execution_id}",
        target=names.target(execution.task_id, execution.plan_id),
        state=words.EXECUTION_STATES.get(execution.state, words.UNKNOWN),
        busy=execution.state in _UNFINISHED,
        is_plan=bool(execution.plan_id),
        explanation=words.explanation(execution.reason),
        cause=words.CAUSES.get(execution.cause, words.spoken(execution.cause)),
        trigger_id=execution.trigger_id,
        window_id=execution.window_id,
        call_count=execution.call_count,
        payload_bytes=execution.payload_bytes,
        payload_size=size(execution.payload_bytes),
        rerun_of=execution.rerun_of,
        step=f"step {execution.step}" if execution.step else "",
        failed_step=bool(execution.plan_id) and execution.state == ExecutionState.EXECUTION_STATE_FAILED,
        created=moment(execution.create_time, now),
        finished=moment(execution.finish_time, now),
        took=between(execution.create_time, execution.finish_time, now),
        runs=tuple(run_view(run, names, now) for run in execution.runs),
    )


def task_ids_of(executions: Iterable[Execution]) -> set[int]:
    """Tasks whose names their page shows."""
    return {run.task_id for one in executions for run in one.runs} | {one.task_id for one in executions}


def _step(run: Run) -> str:
    if not run.HasField("step"):
        return ""
    return str(run.step) if run.step else "failure handler"
