"""The runner's directories: one per run, mode 0700, removed when the run ends; nothing of a killed runner stays for
ever.

A runner locks its own directory for as long as it lives. The next one to start in the same place removes those that
nobody locks any more: payloads do not outlive their runner by more than a restart.
"""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from chassis.settings import SettingsError

VARIABLE = "RUNHOOK_RUNNER_WORK_DIRECTORY"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDirectory:
    """A run's places: `files` is where it starts and writes, `temporary` its TMPDIR, `payload` its payload's file."""

    files: Path
    temporary: Path
    payload: Path


class Workspace:
    """A runner's own directory. `close` removes it."""

    def __init__(self, directory: Path, lock: int) -> None:
        self._directory = directory
        self._lock = lock

    @classmethod
    def open(cls, root: Path | None) -> Self:
        """Makes a directory of its own under `root`. SettingsError when that is not ours or cannot be written."""
        root = root or Path(tempfile.gettempdir()) / f"runhook-runner-{os.getuid()}"
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if root.is_symlink() or root.stat().st_uid != os.getuid():
                raise SettingsError([f"{VARIABLE}: {root} belongs to somebody else: name another"])
            with _Locked(root / "lock"):
                _remove_abandoned(root)
                directory = Path(tempfile.mkdtemp(prefix="runner-", dir=root.resolve()))
                lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
                fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            raise SettingsError([f"{VARIABLE}: cannot write in {root}: {error.strerror}"]) from error
        return cls(directory, lock)

    def close(self) -> None:
        """Removes all of it."""
        _remove(self._directory)
        os.close(self._lock)

    @asynccontextmanager
    async def run_directory(self, run_id: int) -> AsyncIterator[RunDirectory]:
        """A run's directory, for as long as the run is in hand. OSError when it cannot be made."""
        top = await asyncio.to_thread(self._make, run_id)
        try:
            yield RunDirectory(files=top / "files", temporary=top / "tmp", payload=top / "payload")
        finally:
            await asyncio.to_thread(_remove, top)

    def _make(self, run_id: int) -> Path:
        top = Path(tempfile.mkdtemp(prefix=f"run-{run_id}-", dir=self._directory))
        for name in ("files", "tmp"):
            (top / name).mkdir(mode=0o700)
        return top


class _Locked:
    """Holds the lock of the root while a runner comes in, so that none is taken for abandoned while it still starts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = -1

    def __enter__(self) -> None:
        self._number = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._number, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._number)


def _remove_abandoned(root: Path) -> None:
    for directory in root.glob("runner-*"):
        try:
            number = os.open(directory / "lock", os.O_RDWR)
        except FileNotFoundError:
            _remove(directory)
            continue
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(directory)
        except BlockingIOError:
            continue  # its runner lives
        finally:
            os.close(number)


def _remove(directory: Path) -> None:
    """Removes a tree, also where a command took itself the right to."""
    shutil.rmtree(directory, ignore_errors=True)
    if not directory.exists():
        return
    for parent, names, _ in os.walk(directory):
        for path in (os.path.join(parent, name) for name in names):
            if not os.path.islink(path):
                os.chmod(path, 0o700)
    shutil.rmtree(directory, ignore_errors=True)
