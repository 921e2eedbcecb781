"""The bench's own programs, each a process of its own: the receiver, the bare sender, the publisher, the reader.

Invariant: a program that was started is gone when its context ends, and a program that fails is an error with its own
words.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.control import Control
from bench.payload import Load
from bench.product import Product

_STOP_SECONDS = 15
_START_SECONDS = 15


class ProgramError(Exception):
    """A program of the bench failed; the text is what it said."""


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """A running receiver: its process id, its control connection and URL, its endpoints' URLs."""

    pid: int
    control: Control
    control_url: str
    urls: list[str]


@contextlib.asynccontextmanager
async def receiver(endpoints: int, *, delay: float = 0.0, certificate: Path | None = None) -> AsyncIterator[Receiver]:
    """Starts a receiver with one port per endpoint, so that each is an origin of its own. It answers after `delay` seconds,
    and speaks TLS when it is given a certificate (PEM with its key)."""
    arguments = ["--endpoints", str(endpoints), "--ports", str(endpoints), "--delay", str(delay)]
    arguments += ["--certificate", str(certificate)] if certificate else []
    async with _program("receiver", arguments) as process:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), _START_SECONDS)
        if not line:
            raise ProgramError("the receiver ended at its start")
        told = json.loads(line)
        async with Control(told["control"]) as control:
            yield Receiver(pid=process.pid, control=control, control_url=told["control"], urls=told["endpoints"])


async def send_bare(urls: list[str], seconds: float, connections: int) -> dict[str, float]:
    """Runs the bare sender and returns its figures: requests, seconds, rate, cpu_us_per_request."""
    arguments = ["--seconds", str(seconds), "--connections", str(connections), *urls]
    async with _program("bare_sender", arguments) as process:
        figures: dict[str, float] = await _finished(process, seconds + _START_SECONDS)
        return figures


async def read(
    urls: list[str],
    token: str,
    watch: Mapping[str, int],
    *,
    seconds: float,
    warm_seconds: float,
    connections: int,
    rate: float = 0.0,
    method: str = "GET",
    body_bytes: int = 0,
    expect: Sequence[int] = (200,),
) -> dict[str, Any]:
    """Runs the reader, saturating or at `rate`, and returns what it printed."""
    options: dict[str, object] = {
        "--seconds": seconds,
        "--warm-seconds": warm_seconds,
        "--connections": connections,
        "--rate": rate,
    }
    options |= {"--method": method, "--body-bytes": body_bytes}
    arguments = ["--expect", *map(str, expect), *(str(word) for pair in options.items() for word in pair)]
    arguments += [word for name, pid in watch.items() for word in ("--watch", f"{name}={pid}")]
    with tempfile.NamedTemporaryFile("w", prefix="runhook-bench-urls-") as file:
        file.write("\n".join(urls))
        file.flush()
        async with _program("reader", [*arguments, f"@{file.name}"], TOKEN=token) as process:
            return await _finished(process, seconds + warm_seconds + _START_SECONDS)


class Publishing:
    """A running publisher."""

    def __init__(self, process: Process, ids: Path) -> None:
        self._process = process
        self._ids = ids
        self.pid = process.pid

    async def finish(self, within_seconds: float = _STOP_SECONDS, *, now: bool = True) -> dict[str, Any]:
        """Waits until it has ended (told to end, unless not `now`) and returns what it printed."""
        if now and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        return await _finished(self._process, within_seconds)

    def acknowledged(self) -> set[tuple[int, str]]:
        """(endpoint, event id) of every acknowledged event; after finish()."""
        fields = (line.split(" ") for line in self._ids.read_text().splitlines())
        return {(int(endpoint), event_id) for endpoint, event_id in fields}


@contextlib.asynccontextmanager
async def publisher(
    product: Product,
    load: Load,
    control_url: str,
    ids: Path,
    *,
    rate: float = 0.0,
    batch: int = 100,
    seconds: float = 0.0,
    address: str = "",
    until_away: bool = False,
) -> AsyncIterator[Publishing]:
    """Starts a publisher: saturating, or with `rate` events a second for `seconds`. It calls `address`, if not the platform's
    own; `until_away` lets it end well when that pod is gone."""
    options = {
        "--grpc": address or product.delivery_address,
        "--control": control_url,
        "--account": load.account_id,
        "--first-job": load.first_job_id,
        "--endpoints": load.endpoints,
        "--prefix": load.prefix,
        "--ids": ids,
        "--rate": rate,
        "--batch": batch,
        "--seconds": seconds,
    }
    arguments = [str(word) for pair in options.items() for word in pair]
    arguments += ["--until-away"] if until_away else []
    async with _program("publisher", arguments, TOKEN=product.token) as process:
        yield Publishing(process, ids)


@contextlib.asynccontextmanager
async def _program(name: str, arguments: list[str], **environment: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"bench.{name}", *arguments, env={**os.environ, **environment}, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _finished(process: Process, within_seconds: float) -> dict[str, Any]:
    try:
        async with asyncio.timeout(within_seconds):
            output, errors = await process.communicate()
    except TimeoutError as error:
        raise ProgramError(f"a program of the bench did not end within {within_seconds:.0f} s") from error
    if process.returncode != 0:
        raise ProgramError(errors.decode(errors="replace").strip() or f"exit code {process.returncode}")
    figures: dict[str, Any] = json.loads(output)
    return figures
