"""One run from its start to its last report: StartRun, payload, command, FinishRun, StoreArtifacts.

Guards that every started run is reported once it ended, and that nothing is reported of a run whose lease is lost.
What goes wrong with a run ends as that run's report, never as the runner's end.
"""

import asyncio
import time
from collections.abc import Mapping

import grpc

from chassis.logs import get_logger
from runner import metrics
from runner.artifacts import collect
from runner.client import Client, LeaseLost
from runner.commands import Command, Commands
from runner.ending import Ending, How, Report, printable, report_of
from runner.executor import execute
from runner.held import HeldRun
from runner.invocation import LONGEST_PAYLOAD_VARIABLE, NotRunnable, Order, Places, admit, invoke
from runner.workspace import RunDirectory, Workspace

log = get_logger()


class Worker:
    """Carries out runs; `inherited` is the runner's own environment, `kill_seconds` a stopped command's grace."""

    def __init__(
        self,
        *,
        client: Client,
        commands: Commands,
        workspace: Workspace,
        inherited: Mapping[str, str],
        kill_seconds: float,
    ) -> None:
        self._client = client
        self._commands = commands
        self._workspace = workspace
        self._inherited = inherited
        self._kill_seconds = kill_seconds

    async def work(self, held: HeldRun) -> None:
        """Carries out an acquired run. Returns when it is reported, lost or beyond reporting."""
        begun = time.monotonic()
        said: dict[str, object] = {"run": held.run_id}
        outcome = "failed"
        try:
            order = await self._client.start(held)
            said |= {"account": order.account_id, "execution": order.execution_id, "command": order.command}
            report = await self._carry_out(held, order)
            outcome = report.reason or "succeeded"
            said["exit_code"] = report.exit_code
        except LeaseLost:
            outcome = "lost"
        except (grpc.aio.AioRpcError, OSError) as error:
            said["error"] = repr(error)
        finally:
            held.kept_at = None
            seconds = time.monotonic() - begun
            metrics.RUNS.labels(outcome).inc()
            metrics.RUN_SECONDS.observe(seconds)
            log.info("run.finished", outcome=outcome, seconds=round(seconds, 3), **said)

    async def _carry_out(self, held: HeldRun, order: Order) -> Report:
        try:
            command = admit(order, self._commands)
        except NotRunnable as refusal:
            return await self._report_unrun(held, str(refusal))
        try:
            async with self._workspace.run_directory(held.run_id) as directory:
                report = await self._run(held, order, command, directory)
                if held.lost:
                    raise LeaseLost
                await self._client.finish(held, report)
                await self._store(held, command, directory)
                return report
        except OSError as error:
            return await self._report_unrun(held, f"the runner's directories failed: {error.strerror}")

    async def _run(self, held: HeldRun, order: Order, command: Command, directory: RunDirectory) -> Report:
        try:
            payload = await self._fetch_payload(held, order, directory)
        except grpc.aio.AioRpcError as error:
            return Report(reason="not_runnable", message=f"the payload could not be fetched: {error.code().name}")
        invocation = invoke(
            order,
            self._commands,
            Places(
                run_directory=str(directory.files),
                temporary_directory=str(directory.temporary),
                payload_file=str(directory.payload),
            ),
            inherited=self._inherited,
            payload=payload,
        )
        if held.stop.is_set():
            return report_of(Ending(how=How.STOPPED), order.timeout_seconds)
        ending = await execute(
            invocation, seconds=order.timeout_seconds, kill_seconds=self._kill_seconds, stop=held.stop
        )
        metrics.OUTPUT_BYTES.inc(ending.output_bytes)
        return report_of(ending, order.timeout_seconds)

    async def _fetch_payload(self, held: HeldRun, order: Order, directory: RunDirectory) -> str | None:
        """Fetches the payload to its file; its text too where it may go into a variable."""
        if not order.has_payload:
            return None
        await self._client.fetch_payload(held, directory.payload)
        if directory.payload.stat().st_size > LONGEST_PAYLOAD_VARIABLE:
            return None
        return directory.payload.read_text("utf-8", "surrogateescape")

    async def _store(self, held: HeldRun, command: Command, directory: RunDirectory) -> None:
        left_out: list[str] = []
        try:
            artifacts, left_out = await asyncio.to_thread(collect, directory.files, command.artifacts)
            await self._client.store_artifacts(held, artifacts)
        except (grpc.aio.AioRpcError, LeaseLost, OSError) as error:
            left_out.append(f"not stored: {error!r}")
        if left_out:
            log.warning("run.artifacts_left_out", run=held.run_id, problems=left_out[:10])

    async def _report_unrun(self, held: HeldRun, problem: str) -> Report:
        report = Report(reason="not_runnable", message=printable(problem))
        await self._client.finish(held, report)
        await self._client.store_artifacts(held, [])
        return report
