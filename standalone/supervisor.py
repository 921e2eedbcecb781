"""Keeps the children alive and ends them. Invariant: after `stop` none of them runs.

All are started at once and must become healthy; one that dies while they start ends the start, one that dies later is
started again after a pause that doubles.
"""

import asyncio
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from standalone import launch
from standalone.files import last_lines
from standalone.trouble import Trouble

START_SECONDS = 60.0
# One that refuses its settings is waited for no longer than this, so that all who refuse theirs are heard.
_OTHERS_SECONDS = 5.0
_BAD_SETTINGS = 2
KILL_SECONDS = 10.0
_POLL_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 30.0
_STEADY_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Child:
    """One process to keep: `health_address` (host:port) answers GET /healthz with 200 when it is ready.

    `stage` orders the end: all of stage 1 are gone before stage 2 is asked to end.
    """

    name: str
    program: Sequence[str]
    environment: Mapping[str, str]
    health_address: str
    log: Path
    death_signal: signal.Signals = signal.SIGKILL
    stage: int = 1


@dataclass(kw_only=True)
class _Life:
    """A child's present process and what its past ones say about the next pause."""

    child: Child
    process: subprocess.Popen[bytes]
    started: float
    pause: float = 0.0
    again_at: float | None = None


class Supervisor:
    """The children of one standalone; `say` prints a line, `inherit` are open files they keep while they live."""

    def __init__(self, children: Sequence[Child], *, say: Callable[[str], None], inherit: Sequence[int] = ()) -> None:
        self._children = children
        self._say = say
        self._inherit = inherit
        self._lives: list[_Life] = []

    async def start(self) -> None:
        """Start all, return when all are healthy. Raises Trouble with the last words of those that died."""
        for child in self._children:
            self._lives.append(_Life(child=child, process=self._run(child), started=time.monotonic()))
        waiting = set(range(len(self._lives)))
        deadline = time.monotonic() + START_SECONDS
        while waiting:
            for index in sorted(waiting):
                if self._lives[index].process.poll() is not None:
                    await self._let_others_speak(waiting)
                    raise Trouble(self._last_words())
                if await is_healthy(self._lives[index].child.health_address):
                    waiting.discard(index)
            if time.monotonic() > deadline:
                late = self._lives[min(waiting)].child
                raise Trouble(f"{late.name} was not ready in {START_SECONDS:.0f} s, see {late.log}")
            await asyncio.sleep(_POLL_SECONDS)

    def tick(self, now: float) -> None:
        """Start again what died and whose pause is over; `now` is monotonic seconds."""
        for life in self._lives:
            if life.again_at is None and life.process.poll() is not None:
                self._plan(life, now)
            elif life.again_at is not None and now >= life.again_at:
                life.process, life.started, life.again_at = self._run(life.child), now, None

    async def stop(self) -> None:
        """SIGTERM stage by stage, SIGKILL for who does not go."""
        for stage in sorted({life.child.stage for life in self._lives}):
            processes = [life.process for life in self._lives if life.child.stage == stage]
            await end(processes)

    def _run(self, child: Child) -> subprocess.Popen[bytes]:
        with child.log.open("ab") as log:
            return launch.start(
                child.program,
                log=log,
                environment=child.environment,
                death_signal=child.death_signal,
                inherit=self._inherit,
            )

    def _plan(self, life: _Life, now: float) -> None:
        steady = now - life.started > _STEADY_SECONDS
        life.pause = 0.5 if steady or not life.pause else min(2 * life.pause, _LONGEST_PAUSE_SECONDS)
        life.again_at = now + life.pause
        self._say(
            f"{life.child.name} {ending(life.process)}, starting it again in {life.pause:g} s (see {life.child.log})"
        )

    async def _let_others_speak(self, waiting: set[int]) -> None:
        """Settings are refused at once or not at all: a short wait names every bad one in one go."""
        deadline = time.monotonic() + _OTHERS_SECONDS
        while self._dead_of_settings() and self._undecided(waiting) and time.monotonic() < deadline:
            for index in self._undecided(waiting):
                if await is_healthy(self._lives[index].child.health_address):
                    waiting.discard(index)
            await asyncio.sleep(_POLL_SECONDS)

    def _dead_of_settings(self) -> bool:
        return all(life.process.poll() in (None, _BAD_SETTINGS) for life in self._lives)

    def _undecided(self, waiting: set[int]) -> list[int]:
        return [index for index in sorted(waiting) if self._lives[index].process.poll() is None]

    def _last_words(self) -> str:
        dead = [life for life in self._lives if life.process.poll() is not None]
        said = [line for life in dead for line in last_lines(life.child.log, 10)]
        if self._dead_of_settings():
            return "; ".join(said)
        names = ", ".join(f"{life.child.name} {ending(life.process)}" for life in dead)
        return "\n".join([f"{names}; the last lines of its log:", *said])


async def end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask all to end, wait for them, and kill the rest."""
    for process in processes:
        process.terminate()  # sends nothing to one that is known to be dead
    await asyncio.to_thread(_wait_or_kill, processes)


def _wait_or_kill(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + KILL_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ending(process: subprocess.Popen[bytes]) -> str:
    """How a process ended, for people."""
    code = process.returncode
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


async def is_healthy(address: str) -> bool:
    """Whether GET /healthz at host:port answers 200 within a second."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(f"GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
