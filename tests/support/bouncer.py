"""A real PgBouncer in front of a test's database. Invariant: it is ours alone, and ends with its block.

It deals a role's few connections to Postgres out in turn, so that two statements in a row rarely meet the same one: whatever
counts on its session shows it.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from standalone import binaries, identity, launch
from tests.support.postgres import Database
from tests.support.require import missing
from tests.support.service_process import free_port

#: Debian puts it where a user's PATH does not lead.
PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
CONNECTIONS_PER_ROLE = 3
_CONFIGURATION = """
[databases]
* = host={postgres.hostname} port={postgres.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = {mode}
default_pool_size = {connections}
server_round_robin = 1
"""


@asynccontextmanager
async def pooled(database: Database, *, mode: str = "transaction") -> AsyncIterator[Database]:
    """The same database by way of PgBouncer; `mode` is its pool_mode. The owner's way leads through it, too."""
    if PROGRAM is None:
        missing("pgbouncer")
    urls = {field.name: urlsplit(getattr(database, field.name)) for field in fields(database) if field.name != "name"}
    directory = Path(tempfile.mkdtemp(prefix="runhook-test-"))
    port = free_port()
    process = _start(PROGRAM, directory, _configure(directory, list(urls.values()), port, mode))
    try:
        await _answers(process, port, directory / "log")
        yield replace(database, **{name: _through(url, port) for name, url in urls.items()})
    finally:
        process.send_signal(signal.SIGTERM)  # at once: SIGINT would wait for its clients
        await asyncio.to_thread(process.wait)
        shutil.rmtree(directory)


def _configure(directory: Path, urls: list[SplitResult], port: int, mode: str) -> Path:
    users, configuration = directory / "users", directory / "pgbouncer.ini"
    users.write_text("".join(f'"{url.username}" "{url.password}"\n' for url in urls))
    configuration.write_text(
        _CONFIGURATION.format(postgres=urls[0], port=port, users=users, mode=mode, connections=CONNECTIONS_PER_ROLE)
    )
    return configuration


def _start(program: str, directory: Path, configuration: Path) -> subprocess.Popen[bytes]:
    """Like Postgres it refuses root, and runs as whoever Postgres runs as."""
    chosen, _ = identity.choose(binaries.find(os.environ), directory)
    with (directory / "log").open("wb") as log:
        return launch.start([program, str(configuration)], log=log, identity=chosen, death_signal=signal.SIGKILL)


async def _answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    async with asyncio.timeout(20):
        while True:
            assert process.poll() is None, log.read_text()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return


def _through(url: SplitResult, port: int) -> str:
    return url._replace(netloc=f"{url.username}:{url.password}@127.0.0.1:{port}").geturl()
