"""Wires the runner: settings, commands, a channel to trigger_svc, the crew, two loops."""

import os
from contextlib import AsyncExitStack

# Read when grpc is imported: its fork handlers would kill some children of a busy runner, which only execute others.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

from chassis import process
from chassis.channel import open_channel
from chassis.logs import get_logger
from chassis.loop import Loop
from chassis.process import Process
from runhook.trigger.v1.run_service_pb2_grpc import RunServiceStub
from runner.acquirer import Acquirer
from runner.client import Client
from runner.commands import load_commands
from runner.crew import Crew
from runner.heart import TICK_SECONDS, Heart
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
    stub = RunServiceStub(await stack.enter_async_context(open_channel(settings.trigger_svc)))
    client = Client(stub, metadata)
    worker = Worker(
        client=client,
        commands=commands,
        workspace=workspace,
        inherited=os.environ,
        kill_seconds=settings.runner_kill_seconds,
    )
    crew = Crew(settings.runner_slots, worker.work, settings.runner_kill_seconds)
    acquirer = Acquirer(stub, crew, name=settings.name, commands=tuple(commands.by_name), metadata=metadata)
    beat_seconds = settings.runner_heartbeat_seconds
    heart = Heart(client, crew, beat_seconds=beat_seconds, kill_seconds=settings.runner_kill_seconds)
    loops = [
        Loop("acquire", acquirer.tick, interval=1.0),
        Loop("heartbeat", heart.tick, interval=min(TICK_SECONDS, beat_seconds)),
    ]
    await life.serve(doors=[crew], loops=loops)


if __name__ == "__main__":
    process.run("runner", RunnerSettings, work)
