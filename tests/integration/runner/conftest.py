"""A real runner process against a real gRPC server, with commands that the test writes."""

import asyncio
import json
import os
import shlex
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.support.run_service import MemoryRunService

ROOT = Path(__file__).parents[3]
CREDENTIAL = "c" * 40
StartRunner = Callable[..., Awaitable[asyncio.subprocess.Process]]


def python_command(code: str, *arguments: str, more: str = "") -> str:
    """A table of the commands file that runs `code`; `more` are further lines of it."""
    argv = [sys.executable, "-I", "-S", "-c", code.replace("{", "{{").replace("}", "}}"), *arguments]
    return f"argv = {json.dumps(argv)}\n{more}\n"


@pytest.fixture
async def service() -> AsyncIterator[MemoryRunService]:
    """A RunService in memory that already listens."""
    made = MemoryRunService()
    await made.serve()
    yield made
    await made.stop()


@pytest.fixture
async def start_runner(service: MemoryRunService, tmp_path: Path) -> AsyncIterator[StartRunner]:
    """Starts `python -m runner` with these commands (name to table) and settings; ended with the test."""
    started: list[asyncio.subprocess.Process] = []
    credential = tmp_path / "credential"
    credential.write_text(CREDENTIAL)

    async def start(commands: dict[str, str], **settings: object) -> asyncio.subprocess.Process:
        file = tmp_path / "commands.toml"
        file.write_text("".join(f"[commands.{name}]\n{table}" for name, table in commands.items()))
        environment = {
            **os.environ,
            "RUNHOOK_TRIGGER_SVC": service.target,
            "RUNHOOK_SERVICE_CREDENTIAL_FILE": str(credential),
            "RUNHOOK_METRICS_ADDRESS": "127.0.0.1:0",
            "RUNHOOK_RUNNER_COMMANDS_FILE": str(file),
            "RUNHOOK_RUNNER_WORK_DIRECTORY": str(tmp_path / "work"),
            "RUNHOOK_RUNNER_KILL_SECONDS": "1",
            **{f"RUNHOOK_{name.upper()}": str(value) for name, value in settings.items()},
        }
        runner = await asyncio.create_subprocess_exec(
            *shlex.split(f"{sys.executable} -m runner"), cwd=ROOT, env=environment
        )
        started.append(runner)
        return runner

    yield start
    for runner in started:
        if runner.returncode is None:
            runner.kill()
        await runner.wait()
