"""Makes a run final: with what comes next in its execution, whose turn it is, and what is announced, in one transaction."""

import asyncpg

from chassis import tracing
from chassis.errors import FailedPrecondition
from chassis.logs import get_logger
from trigger_svc import metrics
from trigger_svc.execution import Execution
from trigger_svc.journey import Journey
from trigger_svc.run import RUNNER_LOST, Ending, Lease
from trigger_svc.start_run import lease_lost
from trigger_svc.store import run as runs
from trigger_svc.store.run import Finished

log = get_logger()


async def finish_run(pool: asyncpg.Pool, lease: Lease, ending: Ending, *, artifact_seconds: float) -> None:
    """Believes a runner's report. Repeatable with the same lease; FailedPrecondition: LEASE_LOST with another, NOT_STARTED for
    the success of what never ran."""
    finished = await runs.finish(pool, lease, ending, artifact_seconds=artifact_seconds)
    if finished.answer == "LEASE_LOST":
        raise lease_lost()
    if finished.answer == "NOT_STARTED":
        raise FailedPrecondition(
            "NOT_STARTED", "a run that was never started cannot have succeeded: call StartRun first"
        )
    if finished.answer == "FINISHED":
        await _tell(pool, lease, ending, finished)


async def lose_run(pool: asyncpg.Pool, lease: Lease) -> bool:
    """Ends a run whose runner went silent; its artifacts are not waited for. False when the runner came back."""
    finished = await runs.finish(pool, lease, RUNNER_LOST, lost=True, artifact_seconds=0)
    if finished.answer == "FINISHED":
        await _tell(pool, lease, RUNNER_LOST, finished)
    return finished.answer == "FINISHED"


def count_ended_last(execution: Execution) -> None:
    """Counts the runs that a cancel, or the end of a plan's time, has just ended: all at one moment, none of them later."""
    moment = max((run.finished_at for run in execution.runs if run.finished_at is not None), default=None)
    for run in execution.runs:
        if run.finished_at is not None and run.finished_at == moment:
            metrics.runs_finished(run.reason or "cancelled").inc()
            if run.started_at is not None:
                metrics.RUN_SECONDS.observe((run.finished_at - run.started_at).total_seconds())


async def _tell(pool: asyncpg.Pool, lease: Lease, ending: Ending, finished: Finished) -> None:
    seconds = finished.seconds or 0.0
    metrics.runs_finished(ending.reason or "succeeded").inc()
    if finished.execution_state is not None:
        metrics.executions_finished(finished.execution_state).inc()
    metrics.RUN_SECONDS.observe(seconds)
    log.info(
        "run.finished",
        account_id=finished.account_id,
        task_id=finished.task_id,
        run_id=lease.run_id,
        execution_id=finished.execution_id,
        state=ending.state,
        reason=ending.reason,
        exit_code=ending.exit_code,
        attempts=finished.attempts,
        seconds=round(seconds, 3),
    )
    if tracing.on():
        await Journey(pool).run_ended(lease.run_id, ending, finished.execution_state)
