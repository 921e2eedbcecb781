"""Wires the runner: settings, commands, a channel to trigger_svc, the crew, two loops."""

import os
from contextlib import AsyncExitStack

# Read when grpc is imported: its fork handlers would kill some children of a busy runner, which only execute others.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

from chassis import process
from chassis.channel import open_channel
from chassis.identity import identity_of
from chassis.logs import get_logger
from chassis.loop import Loop
from chassis.process import Process
from chassis.settings import SettingsError
from runhook.trigger.v1.run_service_pb2_grpc import RunServiceStub
from runner.acquirer import Acquirer
from runner.client import Client
from runner.commands import VARIABLE as COMMANDS_VARIABLE
from runner.commands import has_jobs, load_commands
from runner.crew import Crew
from runner.executor import Executor
from runner.heart import TICK_SECONDS, Heart
from runner.process_executor import ProcessExecutor
from runner.settings import RunnerSettings
from runner.worker import Worker
from runner.workspace import Workspace


async def work(settings: RunnerSettings, life: Process, stack: AsyncExitStack) -> None:
    """Builds the runner's rooms and runs them until a signal comes."""
    commands = load_commands(settings.runner_commands_file)
    for name in commands.missing_programs():
        get_logger().warning("command.program_missing", command=name)
    metadata = settings.metadata()
    workspace = Workspace.open(settings.runner_work_directory)
    stack.callback(workspace.close)
    stub = RunServiceStub(await stack.enter_async_context(open_channel(settings.trigger_svc, identity_of(settings))))
    client = Client(stub, metadata, passthrough=settings.runner_passthrough)
    processes = ProcessExecutor(
        client=client,
        commands=commands,
        workspace=workspace,
        inherited=os.environ,
        kill_seconds=settings.runner_kill_seconds,
    )
    executors: dict[str, Executor] = dict.fromkeys(commands.by_name, processes)
    watching: list[Loop] = []
    if has_jobs(settings.runner_commands_file):
        try:
            from runner.kubernetes.opening import open_cluster  # what it imports is an extra that others do without
        except ImportError as error:
            raise SettingsError(
                [f"{COMMANDS_VARIABLE}: has jobs: pip install 'runhook-platform[kubernetes]'"]
            ) from error
        in_cluster, watching = await open_cluster(settings, life, stack)
        executors |= dict.fromkeys(in_cluster.jobs, in_cluster)
    worker = Worker(client=client, executors=executors)
    crew = Crew(settings.runner_slots, worker.work, settings.runner_kill_seconds)
    acquirer = Acquirer(stub, crew, name=settings.name, commands=tuple(executors), metadata=metadata)
    beat_seconds = settings.runner_heartbeat_seconds
    heart = Heart(client, crew, beat_seconds=beat_seconds, kill_seconds=settings.runner_kill_seconds)
    loops = [
        Loop("acquire", acquirer.tick, interval=1.0),
        Loop("heartbeat", heart.tick, interval=min(TICK_SECONDS, beat_seconds)),
        *watching,
    ]
    await life.serve(doors=[crew], loops=loops)


if __name__ == "__main__":
    process.run("runner", RunnerSettings, work)
