"""The platform under test: a throwaway `runhook standalone`, or one that is already running.

Invariant: what the bench starts it also ends, with its whole process group, and its data directory goes with it.
"""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.figures import POSTGRES
from bench.listeners import listener_of

READY_SECONDS = 60
STOP_SECONDS = 15


class ProductError(Exception):
    """The platform does not start, or does not answer as its contract says; the text is for people."""


@dataclass(frozen=True, kw_only=True)
class Product:
    """Where a running platform is. `supervisor` is the process id of a standalone that the bench started, else None."""

    gateway_url: str
    delivery_address: str
    metrics: Mapping[str, str]
    account_id: int
    token: str
    database_url: str
    supervisor: int | None = None

    def processes(self) -> dict[str, int]:
        """Name to process id: the platform's processes, and POSTGRES if its server runs here.

        ProductError if one of the platform's is not to be found.
        """
        found = {name: listener_of(urlsplit(url).port or 80) for name, url in self.metrics.items()}
        if missing := sorted(name for name, pid in found.items() if pid is None):
            raise ProductError(f"no process of this machine serves the metrics of {', '.join(missing)}")
        found[POSTGRES] = listener_of(urlsplit(self.database_url).port or 5432)
        found["standalone"] = self.supervisor
        return {name: pid for name, pid in found.items() if pid is not None}


def read_product(data_dir: Path, supervisor: int | None = None) -> Product:
    """Reads standalone.json. ProductError when it is not there or lacks a key."""
    try:
        told = json.loads((data_dir / "standalone.json").read_text())
        return Product(
            gateway_url=told["gateway_url"],
            delivery_address=told["grpc"]["delivery_svc"],
            metrics=told["metrics"],
            account_id=int(told["account_id"]),
            token=told["token"],
            database_url=told["database_url"],
            supervisor=supervisor,
        )
    except (OSError, ValueError) as error:
        raise ProductError(f"no platform described in {data_dir}: {error}") from error
    except KeyError as error:
        raise ProductError(f"{data_dir / 'standalone.json'} has no {error}") from error


@contextlib.asynccontextmanager
async def throwaway(**told: str) -> AsyncIterator[Product]:
    """A platform on a new data directory, ready; afterwards ended and removed. ProductError if it gets not ready.

    `told` are settings that are not as they are by default, under their names in the environment.
    """
    with tempfile.TemporaryDirectory(prefix="runhook-bench-") as folder:
        data_dir = Path(folder) / "data"
        log = Path(folder) / "standalone.log"
        environment = {
            **os.environ,
            "PORT": str(_free_port()),
            "DATA_DIR": str(data_dir),
            "TOKEN": secrets.token_urlsafe(32),
            **told,
        }
        environment.pop("DATABASE_URL", None)
        command = Path(sys.executable).with_name("runhook")
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                command, "standalone", env=environment, stdout=output, stderr=output, start_new_session=True
            )
        try:
            await _until_ready(process, log)
            yield read_product(data_dir, process.pid)
        finally:
            await _stop(process)


async def _until_ready(process: asyncio.subprocess.Process, log: Path) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(READY_SECONDS):
            # A file and not a pipe, so that a bench that is slow to read never slows the platform.
            while process.returncode is None:
                if any(line.startswith("ready ") for line in _lines(log)):
                    return
                await asyncio.sleep(0.1)
    tail = "\n".join(_lines(log)[-20:])
    how = "did not get ready" if process.returncode is None else f"ended with exit code {process.returncode}"
    raise ProductError(f"runhook standalone {how}; its last lines:\n{tail}")


def _lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
