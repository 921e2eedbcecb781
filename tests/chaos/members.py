"""The processes that faults strike. Invariant: each dies with the harness, whatever ends it; a start ends ready or in error."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from standalone import binaries, launch
from standalone.postgres import Postgres
from standalone.supervisor import is_healthy

ROOT = Path(__file__).parents[2]
_READY_SECONDS = 60.0
_END_SECONDS = 15.0
_POLL_SECONDS = 0.05


class MemberDied(Exception):
    """A process does not get ready; the text names its log."""


class Member:
    """`python -m <words>`, ready when it answers at `address` (host:port): GET /healthz, or just a connection."""

    def __init__(
        self,
        name: str,
        words: list[str],
        environment: Mapping[str, str],
        address: str,
        log: Path,
        *,
        healthz: bool = True,
    ) -> None:
        self.name = name
        self._words = words
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("RUNHOOK_")}
        self._environment = {**inherited, "PYTHONPATH": str(ROOT), **environment}
        self._address = address
        self._log = log
        self._healthz = healthz
        self._up = False
        self._process: subprocess.Popen[bytes] | None = None
        #: When (seconds since 1970) it ended by itself, and with which code; and the same before it was ready.
        self.deaths: list[tuple[float, int]] = []
        self.false_starts: list[tuple[float, int]] = []

    async def start(self) -> None:
        """Start it and wait until it is ready, again if it ends before, as an orchestrator would. MemberDied in the end."""
        self._run()
        await self._wait_until_ready()

    async def _wait_until_ready(self) -> None:
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while not await self._is_ready():
                    self._run_again_if_dead()
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError as error:
            raise MemberDied(f"{self.name} was not ready in {_READY_SECONDS:.0f} s, see {self._log}") from error
        self._up = True

    async def run_into(self, setting: Mapping[str, str], said: str, seconds: float) -> bool:
        """Start it with one more setting, of which it may die, and wait until it has written `said`; whether it did in time.
        It is left as it is then: ready, getting ready, or dead."""
        written = self._log.stat().st_size
        self._run(setting)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            await asyncio.sleep(_POLL_SECONDS)
            if said.encode() in self._written_since(written):
                return True
        return False

    def is_dead(self) -> bool:
        """Whether it does not run."""
        return self._process is None or self._process.poll() is not None

    async def get_ready(self) -> None:
        """Wait for one that was started, and start it again if it ends before. MemberDied in the end."""
        await self._wait_until_ready()

    async def kill(self) -> None:
        """kill -9, and its end."""
        self._up = False
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    async def keep(self) -> None:
        """Start it again when it ended although nobody ended it. MemberDied."""
        if self._up and self._process is not None and self._process.poll() is not None:
            self._up = False
            self.deaths.append((time.time(), self._process.returncode))
            await self.start()

    def _run(self, setting: Mapping[str, str] | None = None) -> None:
        environment = {**self._environment, **(setting or {})}
        with self._log.open("ab") as log:
            self._process = launch.start([sys.executable, "-m", *self._words], log=log, environment=environment)

    def _written_since(self, offset: int) -> bytes:
        with self._log.open("rb") as log:
            log.seek(offset)
            return log.read()

    def _run_again_if_dead(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            self.false_starts.append((time.time(), self._process.returncode))
            self._run()

    def pause(self) -> None:
        """SIGSTOP."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    async def end(self) -> None:
        """SIGTERM, and SIGKILL if that does not help."""
        self._up = False
        if self._process is None:
            return
        self.resume()
        self._process.terminate()
        try:
            await asyncio.to_thread(self._process.wait, _END_SECONDS)
        except subprocess.TimeoutExpired:
            await self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    async def _is_ready(self) -> bool:
        if self._healthz:
            return await is_healthy(self._address)
        host, _, port = self._address.rpartition(":")
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            return False
        writer.close()
        return True


class Database:
    """The embedded Postgres with its backends: they are killed and stopped all together, as a machine is."""

    def __init__(self, directory: Path) -> None:
        self._pid_file = directory / f"pg{binaries.find(os.environ).major}" / "postmaster.pid"
        options = {"max_connections": "200", "autovacuum_naptime": "5s"}
        self.server = Postgres(directory, binaries.find(os.environ), log=directory / "postgres.log", options=options)

    async def start(self) -> None:
        """Start it, with recovery if it was killed."""
        await self.server.start()

    async def kill(self) -> None:
        """kill -9 of all its processes, and their end."""
        family = self._family()
        for process in family:
            with_luck(process.kill)
        await asyncio.to_thread(psutil.wait_procs, family[1:], _END_SECONDS)
        while not self.server.is_dead():  # noqa: ASYNC110 - is_dead reaps it, and nothing else tells of its end
            await asyncio.sleep(_POLL_SECONDS)

    def pause(self) -> None:
        """SIGSTOP to all."""
        for process in self._family():
            with_luck(process.suspend)

    def resume(self) -> None:
        """SIGCONT to all."""
        for process in self._family():
            with_luck(process.resume)

    async def end(self) -> None:
        """A fast shutdown, of one that may be stopped."""
        if not self.server.is_dead():
            self.resume()
        await self.server.stop()

    def _family(self) -> list[psutil.Process]:
        """The postmaster first; none if it does not run."""
        try:
            postmaster = psutil.Process(int(self._pid_file.read_text().splitlines()[0]))
            return [postmaster, *postmaster.children()]
        except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
            return []


def with_luck(act: Callable[[], None]) -> None:
    """Do it to a process that may be gone by now."""
    with suppress(psutil.NoSuchProcess):
        act()
