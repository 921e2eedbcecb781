"""One run from its start to its last report: StartRun, the command and its log, FinishRun, StoreArtifacts.

Guards that every started run is reported once it ended, and that nothing is reported of a run whose lease is lost.
What goes wrong with a run ends as that run's report, never as the runner's end.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace

import grpc

from chassis import fault_points, tracing
from chassis.logs import get_logger
from runner import dbt, metrics
from runner.client import Client, LeaseLost
from runner.ending import Report, printable, report_of
from runner.executor import Executor, Left
from runner.held import HeldRun
from runner.invocation import NotRunnable, Order
from runner.printed import Printed

log = get_logger()


class Worker:
    """Carries out runs, each by the executor of its command."""

    def __init__(self, *, client: Client, executors: Mapping[str, Executor]) -> None:
        self._client = client
        self._executors = executors
        self._start = fault_points.around(client.start, before=fault_points.AFTER_CLAIM_OF_RUN_BEFORE_START)
        self._finish = fault_points.around(client.finish, before=fault_points.AFTER_RUN_DONE_BEFORE_FINISH)

    async def work(self, held: HeldRun) -> None:
        """Carries out an acquired run. Returns when it is reported, lost or beyond reporting."""
        begun = time.monotonic()
        said: dict[str, object] = {"run": held.run_id}
        outcome = "failed"
        try:
            order = await self._start(held)
            said |= {"account": order.account_id, "execution": order.execution_id, "command": order.command}
            report, left = await self._carry_out(held, order)
            outcome = report.reason or "succeeded"
            said["exit_code"] = report.exit_code
            await self._report(held, report, left)
        except LeaseLost:
            outcome = "lost"
        except (grpc.aio.AioRpcError, OSError) as error:
            outcome = "failed"
            said["error"] = repr(error)
        finally:
            held.kept_at = None
            seconds = time.monotonic() - begun
            metrics.runs(outcome).inc()
            metrics.RUN_SECONDS.observe(seconds)
            log.info("run.finished", outcome=outcome, seconds=round(seconds, 3), **said)

    async def _carry_out(self, held: HeldRun, order: Order) -> tuple[Report, Left]:
        """What became of the run, and what it left behind; all of the run is gone by then."""
        executor = self._executors.get(order.command)
        span = _begin_span(order)
        if span is not None:
            order = replace(order, traceparent=span.traceparent)
        why = "lost"
        try:
            if executor is None:
                raise NotRunnable([f"this runner has no command {order.command!r}"])
            report, left = await self._execute(held, order, executor)
            why = report.reason
            return report, left
        except NotRunnable as refusal:
            why = "not_runnable"
            return Report(reason=why, message=printable(str(refusal))), Left()
        finally:
            if span is not None:
                span.end(why)

    async def _execute(self, held: HeldRun, order: Order, executor: Executor) -> tuple[Report, Left]:
        admitted = executor.admit(order)
        printed = Printed(self._client, held, offset=order.log_bytes, most_tail_bytes=admitted.most_output_bytes)
        try:
            async with executor.start(held, order, printed) as started:
                ending = await started.wait(order.timeout_seconds)
                left = Left() if held.lost else await started.artifacts()
        finally:
            await printed.close()
        report = report_of(ending, printed.tail, order.timeout_seconds)
        if admitted.preset == "dbt":
            report = await asyncio.to_thread(_with_results, report, left, printed.tail)
        return report, left

    async def _report(self, held: HeldRun, report: Report, left: Left) -> None:
        if held.lost:
            raise LeaseLost
        await self._finish(held, report)
        problems = list(left.left_out)
        try:
            await self._client.store_artifacts(held, left.artifacts)
        except (grpc.aio.AioRpcError, LeaseLost, OSError) as error:
            problems.append(f"not stored: {error!r}")
        if problems:
            log.warning("run.artifacts_left_out", run=held.run_id, problems=problems[:10])


def _begin_span(order: Order) -> tracing.Span | None:
    """The span of carrying out a command, below its run's where that is told."""
    if not order.traceparent:
        return None
    attributes: dict[str, tracing.Value] = {
        "runhook.account.id": order.account_id,
        "runhook.execution.id": order.execution_id,
        "runhook.run.id": order.run_id,
        "runhook.command": order.command,
    }
    return tracing.begin("command", parent=order.traceparent, attributes=attributes)


def _with_results(report: Report, left: Left, output: bytes) -> Report:
    """The report of a command of preset dbt."""
    files = {artifact.name: artifact.content for artifact in left.artifacts}
    results = dbt.results_of(files.get(dbt.RUN_RESULTS, b""), files.get(dbt.MANIFEST, b""))
    if results is None:
        return replace(report, message=dbt.early_message(report, output))
    return replace(report, message=dbt.message(report, results, output), summary=dbt.summary(results))
