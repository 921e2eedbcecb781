"""Further pods beside those that the platform has: of delivery_svc, or of whatever is named.

Invariant: a further pod is told what the first one was told, but for its name and where it listens, and it is gone when its
context ends. Nobody starts it again when it dies.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bench.product import Product
from bench.programs import ProgramError
from standalone.ports import free_ports
from standalone.supervisor import is_healthy

_READY_SECONDS = 30.0
_STOP_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class Pod:
    """Where it is: `address` of its gRPC, of a gateway its HTTP; `metrics` is the URL of its figures."""

    name: str
    pid: int
    address: str
    metrics: str

    def kill(self) -> None:
        """kill -9."""
        os.kill(self.pid, signal.SIGKILL)


@contextlib.asynccontextmanager
async def pod(
    product: Product, name: str, log: Path, *, of: str = "delivery_svc", told: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Pod]:
    """Starts one, `told` settings in which it differs, and waits until it is ready. ProgramError when it does not get ready."""
    address, metrics = (f"127.0.0.1:{port}" for port in free_ports(2))
    own = {"RUNHOOK_POD_NAME": name, "RUNHOOK_METRICS_ADDRESS": metrics}
    own |= {"RUNHOOK_GATEWAY_ADDRESS" if of == "gateway" else "RUNHOOK_GRPC_ADDRESS": address}
    environment = environment_of(product.processes()[of]) | own | dict(told)
    if of == "runner":
        environment.pop("RUNHOOK_GRPC_ADDRESS")
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            of,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        await _until_ready(process, metrics, log)
        yield Pod(name=name, pid=process.pid, address=address, metrics=f"http://{metrics}/metrics")
    finally:
        await _end(process)


def environment_of(pid: int) -> dict[str, str]:
    """What a process of ours was started with."""
    entries = (entry.partition("=") for entry in Path(f"/proc/{pid}/environ").read_text().split("\0") if entry)
    return {key: value for key, _, value in entries}


async def _until_ready(process: asyncio.subprocess.Process, metrics: str, log: Path) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_READY_SECONDS):
            while process.returncode is None:
                if await is_healthy(metrics):
                    return
                await asyncio.sleep(0.1)
    raise ProgramError(f"a further pod did not get ready; it said: {_end_of(log)}")


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
