"""What a run may leave behind: named files, 16 MiB in all."""

import re

MOST_BYTES = 16 * 1024 * 1024
LARGEST_CHUNK = 256 * 1024
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}")


def is_name(name: str) -> bool:
    """Whether an artifact may be called so."""
    return _NAME.fullmatch(name) is not None
