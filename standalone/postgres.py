"""A Postgres of our own. Invariant: it is our direct child, listens on loopback alone, and a start finds its old data.

Its files in the directory given: `pg18` (the data, by major version, never shared between majors), `pg18.password`.
"""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg

from standalone import identity, launch, ports
from standalone.binaries import Binaries
from standalone.files import last_lines, write_private
from standalone.trouble import Trouble

OWNER = "runhook"
# For tests alone: a crash of the machine may lose everything, and nothing waits for the disk.
VOLATILE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_READY_SECONDS = 60.0
_STOP_SECONDS = 10.0
_TRIES = 10
_PAUSE_SECONDS = 0.5
_POLL_SECONDS = 0.05


class Postgres:
    """One server over one directory."""

    def __init__(
        self,
        directory: Path,
        binaries: Binaries,
        *,
        log: Path,
        options: Mapping[str, str] | None = None,
        inherit: Sequence[int] = (),
    ) -> None:
        """`options` are postgresql.conf settings; `inherit` are open files that it keeps while it lives."""
        self._directory = directory
        self._binaries = binaries
        self._identity = launch.Identity.SAME
        self._log = log
        self._options = dict(options or {})
        self._inherit = inherit
        self._data = directory / f"pg{binaries.major}"
        self._password_file = directory / f"pg{binaries.major}.password"
        self._password = ""
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def is_dead(self) -> bool:
        """Whether it was started and does not run any more."""
        return self._process is not None and self._process.poll() is not None

    def url(self, database: str, *, role: str = OWNER, password: str | None = None) -> str:
        """A connection URL; without a password, the owner's."""
        return f"postgresql://{role}:{password or self._password}@127.0.0.1:{self._port}/{database}"

    async def start(self) -> None:
        """Make the data directory if there is none, run the server, wait until it answers. Raises Trouble."""
        self._identity, self._binaries = await asyncio.to_thread(identity.choose, self._binaries, self._directory)
        if not self._data.exists():
            await asyncio.to_thread(self._create)
        self._password = self._read_password()
        for _ in range(_TRIES):
            self._port = self._port or ports.free_ports(1)[0]
            self._process = self._run()
            if await self._is_ready(self._process):
                return
            await self.stop()
            if not await self._may_try_again():
                break
        raise Trouble(f"Postgres did not start, see {self._log}: {self._last_words()}")

    async def stop(self) -> None:
        """End it by a fast shutdown: sessions are cut, everything committed is kept."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            await asyncio.to_thread(process.wait, _STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)  # no checkpoint; the next start recovers from the log
            await asyncio.to_thread(process.wait)

    async def _may_try_again(self) -> bool:
        """Whether what it died of passes: a port that somebody was faster to take, backends of a killed predecessor."""
        said = "".join(last_lines(self._log, 10))
        if "could not create any TCP/IP sockets" in said:
            self._port = 0
            return True
        await asyncio.sleep(_PAUSE_SECONDS)
        return "is still in use" in said

    def _read_password(self) -> str:
        try:
            return self._password_file.read_text().strip()
        except OSError as error:
            remedy = f"put it back, or remove {self._data} to begin anew"
            raise Trouble(f"cannot read {self._password_file}: {error.strerror}: {remedy}") from error

    def _create(self) -> None:
        """A new cluster, under its name only when it is whole: an interrupted first start leaves nothing behind."""
        draft = self._data.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        write_private(self._password_file, secrets.token_urlsafe(24))
        if self._identity is launch.Identity.NOBODY:
            for path in (draft, self._password_file):
                os.chown(path, launch.NOBODY, launch.NOBODY)
        with self._log.open("ab") as log:
            program = [self._binaries.program("initdb"), *self._initdb_options(draft)]
            made = subprocess.run(
                launch.command(program, identity=self._identity, death_signal=signal.SIGKILL),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
        if made.returncode != 0:
            raise Trouble(f"initdb made no data directory, see {self._log}: {self._last_words()}")
        draft.rename(self._data)

    def _initdb_options(self, data: Path) -> list[str]:
        options = [f"--pgdata={data}", f"--username={OWNER}", "--auth=scram-sha-256"]
        options += [f"--pwfile={self._password_file}", "--encoding=UTF8", *_locale(self._binaries.major)]
        if self._options.get("fsync") == "off":
            options.append("--no-sync")
        return options

    def _run(self) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",  # a socket's path may have 107 bytes: a data directory can lie deeper
            **self._options,
        }
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            return launch.start(
                [self._binaries.program("postgres"), "-D", str(self._data), *flags],
                log=log,
                identity=self._identity,
                death_signal=signal.SIGINT,
                inherit=self._inherit,
            )

    async def _is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + _READY_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                connection = await asyncpg.connect(self.url("postgres"), timeout=_READY_SECONDS)
            except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(_POLL_SECONDS)
            else:
                await connection.close()
                return True
        return False

    def _last_words(self) -> str:
        return " / ".join(last_lines(self._log, 2))


def _locale(major: int) -> list[str]:
    """UTF-8 in byte order: by Postgres' own locale from 17 on, before that by the C library's where it has it."""
    if major >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8" if sys.platform == "linux" else "--locale=C"]
