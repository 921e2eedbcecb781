"""How every child of ours is started. Invariant: each goes through child.py, in a session of its own.

A session of its own, so that Ctrl-C reaches us alone and the order in which things end is ours.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO

NOBODY = 65534  # as child.py has it, which is no module to import
_CHILD = Path(__file__).with_name("child.py")


class Identity(StrEnum):
    """As whom a child runs; see child.py."""

    SAME = "same"
    NAMESPACE = "namespace"
    NOBODY = "nobody"


def command(program: Sequence[str], *, identity: Identity, death_signal: signal.Signals) -> list[str]:
    """The command line that becomes `program` (its first word is an absolute path)."""
    launcher = [sys.executable, "-I", "-S", str(_CHILD), str(os.getpid()), str(int(death_signal)), identity]
    return [*launcher, *program]


def start(
    program: Sequence[str],
    *,
    log: IO[bytes],
    environment: Mapping[str, str] | None = None,
    identity: Identity = Identity.SAME,
    death_signal: signal.Signals = signal.SIGKILL,
    inherit: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program that writes to `log`; `inherit` names open file descriptors it keeps.

    Call it from a thread that lives as long as the child should (the main thread): the kernel tells a child of the
    death of the thread that started it, not of its process.
    """
    return subprocess.Popen(
        command(program, identity=identity, death_signal=death_signal),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=environment,
        start_new_session=True,
        pass_fds=inherit,
    )
