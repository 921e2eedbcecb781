"""What is kept of a run's directory: the files that the command's patterns name, 16 MiB in all, the earlier patterns
first.

Guards that only what the run itself wrote goes out: regular files inside its directory, never what a link points at.
"""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 16 * 1024 * 1024
LONGEST_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """`name` is what it is kept under: the file's own name, 1 to 255 of A-Z, a-z, 0-9, ".", "_" and "-"."""

    name: str
    content: bytes


def collect(directory: Path, patterns: Sequence[str]) -> tuple[list[Artifact], list[str]]:
    """The artifacts, and a sentence for each file that was left out. Reads files: not for the event loop."""
    kept: dict[str, Artifact] = {}
    left_out: list[str] = []
    room = MOST_BYTES
    for path in _files(directory, patterns):
        name = artifact_name(path.name)
        content = None if name in kept else _read(path, room)
        if content is None:
            left_out.append(f"{path.name}: another has its name, it is too large, or no file of the run's own")
            continue
        kept[name] = Artifact(name=name, content=content)
        room -= len(content)
    return list(kept.values()), left_out


def artifact_name(name: str) -> str:
    """
    >>> artifact_name("run_results.json"), artifact_name(".hidden file")
    ('run_results.json', '_hidden_file')
    """
    allowed = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:LONGEST_NAME]
    return "_" + allowed[1:] if allowed.startswith(".") else allowed


def _files(directory: Path, patterns: Sequence[str]) -> Iterator[Path]:
    seen: set[Path] = set()
    inside = directory.resolve()
    for pattern in patterns:
        for path in sorted(directory.glob(pattern)):
            if path in seen or path.is_dir() or not path.parent.resolve().is_relative_to(inside):
                continue
            seen.add(path)
            yield path


def _read(path: Path, room: int) -> bytes | None:
    """The content of a regular file of at most `room` bytes; None of anything else."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe must not hold us up
    except OSError:
        return None
    with open(number, "rb") as file:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode) or status.st_size > room:
            return None
        content = file.read(room + 1)
    return content if len(content) <= room else None
