"""Runs the operator's commands as processes beside the runner: a directory, the payload's file, a process tree.

Guards that nothing of a run remains once it is left: its processes first, then its files.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import grpc

from chassis.status import refusal_of
from runner.artifacts import collect
from runner.client import LOST_CODES, Client
from runner.commands import Command, Commands
from runner.ending import Ending, How
from runner.executor import Admitted, Left, Output
from runner.held import HeldRun
from runner.invocation import LONGEST_PAYLOAD_VARIABLE, Invocation, NotRunnable, Order, Places, admit, invoke
from runner.process_tree import ProcessTree
from runner.workspace import RunDirectory, Workspace


class ProcessExecutor:
    """An executor.Executor. `inherited` is the runner's own environment, `kill_seconds` a stopped command's grace."""

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

    def admit(self, order: Order) -> Admitted:
        """Checks an order against the commands. NotRunnable."""
        command = admit(order, self._commands)
        return Admitted(preset=command.preset, most_output_bytes=command.max_output_bytes)

    @asynccontextmanager
    async def start(self, held: HeldRun, order: Order, output: Output) -> AsyncIterator["RunningProcess"]:
        """Makes the run's directory and a process for it; the command itself starts with `wait`. NotRunnable, LeaseLost."""
        async with AsyncExitStack() as stack:
            try:
                directory = await stack.enter_async_context(self._workspace.run_directory(held.run_id))
                invocation = await self._prepare(held, order, directory)
                tree = await ProcessTree.launch(output)
            except OSError as error:
                raise NotRunnable([f"the runner's directories or processes failed: {error.strerror}"]) from error
            running = RunningProcess(
                held, tree, invocation, directory, admit(order, self._commands), kill_seconds=self._kill_seconds
            )
            stack.push_async_callback(running.clear)
            yield running

    async def _prepare(self, held: HeldRun, order: Order, directory: RunDirectory) -> Invocation:
        try:
            payload = await self._fetch_payload(held, order, directory)
        except grpc.aio.AioRpcError as error:
            why = refusal_of(error).message if error.code() in LOST_CODES else error.code().name
            raise NotRunnable([f"the payload could not be fetched: {why}"]) from error
        places = Places(
            run_directory=str(directory.files),
            temporary_directory=str(directory.temporary),
            payload_file=str(directory.payload),
        )
        return invoke(order, self._commands, places, inherited=self._inherited, payload=payload)

    async def _fetch_payload(self, held: HeldRun, order: Order, directory: RunDirectory) -> str | None:
        """Fetches the payload to its file; its text too where it may go into a variable."""
        if not order.has_payload:
            return None
        await self._client.fetch_payload(held, directory.payload)
        if directory.payload.stat().st_size > LONGEST_PAYLOAD_VARIABLE:
            return None
        return directory.payload.read_text("utf-8", "surrogateescape")


class RunningProcess:
    """An executor.StartedRun."""

    def __init__(
        self,
        held: HeldRun,
        tree: ProcessTree,
        invocation: Invocation,
        directory: RunDirectory,
        command: Command,
        *,
        kill_seconds: float,
    ) -> None:
        self._held = held
        self._tree = tree
        self._invocation = invocation
        self._directory = directory
        self._command = command
        self._kill_seconds = kill_seconds

    async def wait(self, seconds: float) -> Ending:
        """Starts the command and sees it through; when this returns, all of its processes are gone."""
        if self._held.stop.is_set():
            return Ending(how=How.STOPPED)
        try:
            self._tree.order(self._invocation, self._kill_seconds)
            how = await self._tree.see_through(seconds, self._kill_seconds, self._held.stop)
        finally:
            await self.clear()
        return self._tree.ending(how)

    async def artifacts(self) -> Left:
        """The files that the command's patterns name."""
        try:
            kept, left_out = await asyncio.to_thread(collect, self._directory.files, self._command.artifacts)
        except OSError as error:
            return Left(left_out=(f"the run's directory cannot be read: {error.strerror}",))
        return Left(artifacts=tuple(kept), left_out=tuple(left_out))

    async def clear(self) -> None:
        """Ends what is left of its processes, even where the runner itself is being cancelled."""
        await asyncio.shield(self._tree.clear())
