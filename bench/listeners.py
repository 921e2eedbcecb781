"""Which process listens on a port of this machine: how the bench finds a platform's processes by their addresses.

Invariant: of a process and its children that share a listening socket, the process is meant.
"""

import os
from pathlib import Path

from bench.cpu import usage_of

_LISTEN = "0A"


def listener_of(port: int) -> int | None:
    """Process id behind a listening TCP port; None when nobody listens or its owner may not be seen."""
    inodes = _listening_inodes(port)
    holders = {pid for pid in _pids() if inodes & _sockets(pid)}
    for pid in holders:
        usage = usage_of(pid)
        if usage is not None and usage.parent not in holders:
            return pid
    return None


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not os.path.exists(table):
            continue
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return inodes


def _pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _sockets(pid: int) -> set[str]:
    sockets = set()
    folder = f"/proc/{pid}/fd"
    try:
        for descriptor in os.listdir(folder):
            target = os.readlink(f"{folder}/{descriptor}")
            if target.startswith("socket:["):
                sockets.add(target[8:-1])
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        # It ended meanwhile, or is another user's: either way none of ours.
        pass
    return sockets
