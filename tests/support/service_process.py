"""A service as a real process inside a test: started with settings, waited for until ready, killed without mercy."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 30.0


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ServiceProcess:
    """`python -m <module>` with a metrics port of its own; `settings` are RUNHOOK_ names without the prefix."""

    def __init__(self, module: str, settings: Mapping[str, object]) -> None:
        self.module = module
        self.metrics = f"127.0.0.1:{free_port()}"
        self._settings = {**settings, "METRICS_ADDRESS": self.metrics}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Starts it and returns when /healthz says ready. AssertionError when it ends before that."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RUNHOOK_")}
        environment |= {f"RUNHOOK_{name}": str(value) for name, value in self._settings.items()}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self.module, cwd=ROOT, env=environment, stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(READY_WITHIN), aiohttp.ClientSession() as session:
            while not await self._ready(session):
                assert self._process.returncode is None, f"{self.module} ended with {self._process.returncode}"
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """kill -9, and its end."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM, and its exit code."""
        return await self._end(signal.SIGTERM)

    def signal(self, number: int) -> None:
        """Sends a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def _end(self, number: int) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        async with asyncio.timeout(40):
            return await self._process.wait()

    async def _ready(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"http://{self.metrics}/healthz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def running(module: str, settings: Mapping[str, object]) -> AsyncIterator[ServiceProcess]:
    """Runs a service for as long as the block lasts."""
    process = ServiceProcess(module, settings)
    await process.start()
    try:
        yield process
    finally:
        await process.kill()
