"""As whom Postgres runs, which refuses root. Invariant: nothing outside the data directory changes owner or mode.

A normal user runs it as himself. Root on Linux runs it in a user namespace in which root has another number: files
stay root's, and a data directory below a closed /root works. Where the kernel or a container refuses namespaces, root
runs it as user 65534, from a copy if that user cannot reach the programs.
"""

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

from standalone.binaries import Binaries
from standalone.launch import Identity, command
from standalone.trouble import Trouble

_COPY = "postgres-programs"


def choose(binaries: Binaries, directory: Path) -> tuple[Identity, Binaries]:
    """The identity and the programs to use with it. Raises Trouble if root can run Postgres in neither way."""
    if os.geteuid() != 0:
        return Identity.SAME, binaries
    if sys.platform == "linux":
        if _runs(binaries, Identity.NAMESPACE):
            return Identity.NAMESPACE, binaries
        # The other user must pass through; what is secret in there has mode 0600 or lies below a closed folder.
        directory.chmod(stat.S_IMODE(directory.stat().st_mode) | 0o111)
        if _runs(binaries, Identity.NOBODY):
            return Identity.NOBODY, binaries
        copy = _copied(binaries, directory / _COPY)
        if _runs(copy, Identity.NOBODY):
            return Identity.NOBODY, copy
    raise Trouble(
        "Postgres does not run as root, and here root has neither user namespaces nor a second user for it: "
        "run as a normal user or set DATABASE_URL"
    )


def _runs(binaries: Binaries, identity: Identity) -> bool:
    program = [binaries.program("postgres"), "--version"]
    tried = subprocess.run(
        command(program, identity=identity, death_signal=signal.SIGKILL), capture_output=True, check=False
    )
    return tried.returncode == 0


def _copied(binaries: Binaries, target: Path) -> Binaries:
    """The programs where user 65534 can run them, and a wheel's libraries at the same relative path."""
    package = binaries.package or binaries.folder.parent
    install = binaries.folder.parent
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(install, target / package.name / install.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name)
    target.chmod(0o711)
    return Binaries(folder=target / package.name / install.name / binaries.folder.name)
