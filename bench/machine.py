"""The machine that figures were taken on; without it no absolute figure means anything.

Invariant: nothing here names a host, a user or a path.
"""

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Machine:
    """`cores` are those this process may use; `memory_gib` is all of it; `revision` is the code's, empty if
    unknown; `load_average` is that of the minute before."""

    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    revision: str
    load_average: float


def describe() -> Machine:
    """This machine, as far as it tells."""
    return Machine(
        cpu=_field(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(int((_field(Path("/proc/meminfo"), "MemTotal") or "0 kB").split()[0]) / 2**20, 1),
        kernel=f"{platform.system()} {_numbers(platform.release())}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        revision=_revision(),
        load_average=round(os.getloadavg()[0], 2),
    )


def _numbers(release: str) -> str:
    # What follows the numbers is the name of somebody's build.
    found = re.match(r"[\d.]+", release)
    return found[0].rstrip(".") if found else ""


def _field(file: Path, name: str) -> str:
    if not file.exists():
        return ""
    for line in file.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _revision() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
