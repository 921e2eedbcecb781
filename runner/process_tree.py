"""One command in a process tree of its own, behind runner/launcher.py.

Guards that no process of the tree outlives `clear` (launcher.py says how far that holds), and that what it prints is
handed on as it comes.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from contextlib import suppress
from pathlib import Path
from typing import Any

from runner.ending import Ending, How
from runner.executor import Output
from runner.invocation import Invocation

LAUNCHER = (sys.executable, "-I", "-S", "-X", "utf8", str(Path(__file__).with_name("launcher.py")))
#: How much longer than its grace a launcher may take to clear up before it is killed itself.
CLEARING_SECONDS = 10.0
#: How long the rest of an output may take to be handed on once the command has ended, and for how long nothing may come.
HANDING_ON_SECONDS = 60.0
SILENT_SECONDS = 1.0
LONGEST_READ = 1 << 16
LAST_WORDS = frozenset({"exit", "signal", "error"})
_Control = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ProcessTree:
    """A launcher, the command under it, and what is known of both."""

    def __init__(self, launcher: Process, control: _Control, printing: "_Pipe", output: Output) -> None:
        self._launcher = launcher
        self._words, self._orders = control
        self._pipe = printing
        self._output = output
        self._read_bytes = 0
        self._handing_on = False
        self._cleared = False
        self._group = 0
        self._last_word: dict[str, Any] = {}
        self._listening = asyncio.create_task(self._listen())
        self._printing = asyncio.create_task(self._print())

    @classmethod
    async def launch(cls, output: Output) -> "ProcessTree":
        """A launcher without an order yet; what comes under it prints to `output`. OSError when there can be none."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        reading, writing = os.pipe()
        pipe = await _Pipe.open(reading)
        number = theirs.fileno()
        try:
            launcher = await asyncio.create_subprocess_exec(
                *LAUNCHER, str(number), stdin=DEVNULL, stdout=writing, stderr=STDOUT, env={}, cwd="/",
                pass_fds=(number,), start_new_session=True,
            )  # fmt: skip
        except OSError:  # no process to be had
            ours.close()
            pipe.close()
            raise
        finally:
            theirs.close()
            os.close(writing)
        return cls(launcher, await asyncio.open_unix_connection(sock=ours), pipe, output)

    def order(self, invocation: Invocation, grace: float) -> None:
        """Starts the command; told to stop, it has `grace` seconds."""
        order = {
            "argv": invocation.argv,
            "environment": invocation.environment,
            "directory": invocation.directory,
            "limits": invocation.limits,
            "grace": grace,
        }
        text = json.dumps(order).encode()
        self._orders.write(len(text).to_bytes(4, "big") + text)

    async def see_through(self, seconds: float, kill_seconds: float, stop: asyncio.Event) -> How:
        """Waits for the last word; stops the command where that takes too long or `stop` is set."""
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({self._listening, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if self._listening.done():
            return How.NOT_STARTED if "error" in self._last_word else How.EXITED
        self._orders.write(b"s")
        await asyncio.wait({self._listening}, timeout=kill_seconds + CLEARING_SECONDS)
        return How.STOPPED if stop.is_set() else How.TIMED_OUT

    async def clear(self) -> None:
        """Sees to it that nothing is left of the tree: the launcher kills the rest once it is alone."""
        if self._cleared:
            return
        self._cleared = True
        self._orders.close()
        await asyncio.wait({self._listening}, timeout=CLEARING_SECONDS)
        if not self._listening.done():
            self._launcher.kill()
        if self._group and not LAST_WORDS & self._last_word.keys():
            _kill_group(self._group)  # the launcher did not live to clear up
        await self._launcher.wait()
        await self._hand_on_the_rest()
        self._printing.cancel()
        self._listening.cancel()
        self._pipe.close()

    def ending(self, how: How) -> Ending:
        """How the command ended, for what the runner did."""
        word = self._last_word
        lost = "" if LAST_WORDS & word.keys() else "its launcher was killed"
        return Ending(
            how=how,
            exit_code=word.get("exit") if how is How.EXITED else None,
            signal_number=word.get("signal", 0),
            problem=word.get("error", lost),
        )

    async def _listen(self) -> None:
        async for line in self._words:
            word = json.loads(line)
            self._group = word.get("group", self._group)
            self._last_word = word

    async def _print(self) -> None:
        while data := await self._pipe.read():
            self._read_bytes += len(data)
            self._handing_on = True
            await self._output.write(data)
            self._handing_on = False

    async def _hand_on_the_rest(self) -> None:
        """Waits for the end of the output; not for ever, since whoever escaped may hold the pipe open."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HANDING_ON_SECONDS):
                read_bytes = -1
                while not self._printing.done() and (self._handing_on or read_bytes != self._read_bytes):
                    read_bytes = self._read_bytes
                    await asyncio.wait({self._printing}, timeout=SILENT_SECONDS)


class _Pipe:
    """The reading end of the pipe that the whole tree prints to. Our own: asyncio's would wait for whoever holds it."""

    def __init__(self, reader: asyncio.StreamReader, transport: asyncio.ReadTransport) -> None:
        self._reader = reader
        self._transport = transport

    @classmethod
    async def open(cls, number: int) -> "_Pipe":
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(number, "rb", buffering=0)
        )
        return cls(reader, transport)

    async def read(self) -> bytes:
        return await self._reader.read(LONGEST_READ)

    def close(self) -> None:
        self._transport.close()


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
