"""Processes of ours that may refuse to start: what they wrote, how they ended."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiohttp

from tests.support.service_process import free_port


@dataclass(kw_only=True)
class Running:
    """A started process."""

    process: asyncio.subprocess.Process
    metrics: str

    async def ready(self) -> None:
        """Returns when its metrics port says so; fails when it ends before."""
        async with asyncio.timeout(30), aiohttp.ClientSession() as session:
            while self.process.returncode is None:
                with suppress(aiohttp.ClientConnectionError):
                    async with session.get(f"http://{self.metrics}/healthz") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.05)  # there is no event to await in another process
        raise AssertionError(f"ended with {self.process.returncode}: {await self.errors()}")

    async def stop(self) -> int:
        """SIGTERM, and its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), 30)

    async def errors(self) -> str:
        """What it wrote to standard error, once it ended."""
        _, errors = await asyncio.wait_for(self.process.communicate(), 30)
        return errors.decode()


@asynccontextmanager
async def process(module: str, settings: Mapping[str, object]) -> AsyncIterator[Running]:
    """`python -m module` with RUNHOOK_ settings; killed at the end if it still runs."""
    metrics = f"127.0.0.1:{free_port()}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUNHOOK_")}
    environment |= {
        f"RUNHOOK_{name}": str(value) for name, value in ({"METRICS_ADDRESS": metrics} | dict(settings)).items()
    }
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Running(process=started, metrics=metrics)
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()
