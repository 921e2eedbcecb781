"""CPU time of processes, read from /proc: user and system, all threads, and what their ended children had used.

Invariant: the CPU time of a tree never goes back while its root lives: a child that ends (a Postgres autovacuum worker)
leaves its time with the parent that waited for it.
"""

import os
from dataclasses import dataclass
from pathlib import Path

_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Usage:
    """One process: its parent, its own CPU time and that of the children it has waited for, in nanoseconds."""

    parent: int
    own_ns: int
    waited_ns: int


def usage_of(pid: int, proc: Path = Path("/proc")) -> Usage | None:
    """CPU time of a process until now; None when there is no such process (any more)."""
    try:
        # The command name stands in parentheses and may hold anything, so fields are counted from the last one.
        fields = (proc / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    parent, user, system, waited_user, waited_system = (int(fields[index]) for index in (1, 11, 12, 13, 14))
    # Ticks count ended threads too but are coarse (10 ms); the scheduler's counts are exact but only of living threads.
    own_ns = max((user + system) * _TICK_NS, _threads_ns(proc / str(pid) / "task"))
    return Usage(parent=parent, own_ns=own_ns, waited_ns=(waited_user + waited_system) * _TICK_NS)


def _threads_ns(tasks: Path) -> int:
    total = 0
    try:
        threads = os.listdir(tasks)
    except (FileNotFoundError, ProcessLookupError):
        return 0
    for thread in threads:
        try:
            total += int((tasks / thread / "schedstat").read_bytes().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def trees_ns(roots: dict[str, int], proc: Path = Path("/proc")) -> dict[str, int]:
    """Name to CPU time, in nanoseconds, of each root process and all its descendants; a root that is gone counts 0.

    A process below two roots counts for the nearer one only.
    """
    usages = {}
    for entry in os.listdir(proc):
        if entry.isdigit() and (usage := usage_of(int(entry), proc)):
            usages[int(entry)] = usage
    names = {pid: name for name, pid in roots.items()}
    totals = dict.fromkeys(roots, 0)
    for pid, usage in usages.items():
        ancestor = pid
        while ancestor not in names and ancestor in usages:
            ancestor = usages[ancestor].parent
        if ancestor in names:
            totals[names[ancestor]] += usage.own_ns + usage.waited_ns
    return totals
