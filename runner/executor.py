"""Runs one command in a process tree of its own, behind runner/launcher.py, and keeps the end of what it prints.

Guards two things: no process of the tree outlives `execute`, whether it returns, fails or is cancelled (launcher.py
says how far that holds), and a command that prints for ever costs no more memory than its tail.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from pathlib import Path
from typing import Any

from runner.ending import Ending, How
from runner.invocation import Invocation
from runner.tail import Tail

LAUNCHER = (sys.executable, "-I", "-S", "-X", "utf8", str(Path(__file__).with_name("launcher.py")))
#: How much longer than its grace a launcher may take to clear up before it is killed itself.
CLEARING_SECONDS = 10.0
LONGEST_READ = 1 << 16
LAST_WORDS = frozenset({"exit", "signal", "error"})
_Control = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def execute(invocation: Invocation, *, seconds: float, kill_seconds: float, stop: asyncio.Event) -> Ending:
    """Runs it for at most `seconds` or until `stop` is set; then come SIGTERM and, `kill_seconds` later, SIGKILL."""
    tree = await _Tree.launch(Tail(invocation.max_output_bytes))
    try:
        tree.order(invocation, kill_seconds)
        how = await tree.see_through(seconds, kill_seconds, stop)
    finally:
        await asyncio.shield(tree.clear())
    return tree.ending(how)


class _Tree:
    """A launcher, the command under it, and what is known of both."""

    def __init__(self, launcher: Process, control: _Control, output: "_Output", tail: Tail) -> None:
        self._launcher = launcher
        self._words, self._orders = control
        self._output = output
        self._tail = tail
        self._group = 0
        self._last_word: dict[str, Any] = {}
        self._listening = asyncio.create_task(self._listen())
        self._printing = asyncio.create_task(self._print())

    @classmethod
    async def launch(cls, tail: Tail) -> "_Tree":
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        reading, writing = os.pipe()
        output = await _Output.open(reading)
        number = theirs.fileno()
        try:
            launcher = await asyncio.create_subprocess_exec(
                *LAUNCHER, str(number), stdin=DEVNULL, stdout=writing, stderr=STDOUT, env={}, cwd="/",
                pass_fds=(number,), start_new_session=True,
            )  # fmt: skip
        except OSError:  # no process to be had
            ours.close()
            output.close()
            raise
        finally:
            theirs.close()
            os.close(writing)
        return cls(launcher, await asyncio.open_unix_connection(sock=ours), output, tail)

    def order(self, invocation: Invocation, grace: float) -> None:
        order = {
            "argv": invocation.argv,
            "environment": invocation.environment,
            "directory": invocation.directory,
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
        self._orders.close()
        await asyncio.wait({self._listening}, timeout=CLEARING_SECONDS)
        if not self._listening.done():
            self._launcher.kill()
        if self._group and not LAST_WORDS & self._last_word.keys():
            _kill_group(self._group)  # the launcher did not live to clear up
        await self._launcher.wait()
        await asyncio.wait({self._printing}, timeout=1)  # whoever escaped may hold the pipe open
        self._printing.cancel()
        self._listening.cancel()
        self._output.close()

    def ending(self, how: How) -> Ending:
        word = self._last_word
        lost = "" if LAST_WORDS & word.keys() else "its launcher was killed"
        return Ending(
            how=how,
            exit_code=word.get("exit") if how is How.EXITED else None,
            signal_number=word.get("signal", 0),
            problem=word.get("error", lost),
            output=self._tail.kept,
            output_bytes=self._tail.total,
        )

    async def _listen(self) -> None:
        async for line in self._words:
            word = json.loads(line)
            self._group = word.get("group", self._group)
            self._last_word = word

    async def _print(self) -> None:
        while data := await self._output.read():
            self._tail.write(data)


class _Output:
    """The reading end of the pipe that the whole tree prints to. Our own: asyncio's would wait for whoever holds it."""

    def __init__(self, reader: asyncio.StreamReader, transport: asyncio.ReadTransport) -> None:
        self._reader = reader
        self._transport = transport

    @classmethod
    async def open(cls, number: int) -> "_Output":
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
