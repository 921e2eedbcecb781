"""Files of the data directory. Invariant: a secret is in a file of mode 0600 from its first byte on."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Replace `path` by a file that only we can read."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a log that are not empty, without their ends; none if there is no log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16_384))
            tail = file.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    return [line.rstrip() for line in tail.splitlines() if line.strip()][-count:]
