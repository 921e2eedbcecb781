"""Where tests write: in memory where there is plenty. Each test's database is a thousand files, made and dropped again, and a
disk's file system takes ten times as long over them."""

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 4 << 30


def write_to_memory() -> None:
    """Makes it the directory of temporary files for this process and its children, unless TMPDIR names one."""
    if "TMPDIR" not in os.environ and _plenty():
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None  # where it was asked for before


def _plenty() -> bool:
    """Tests write programs too, and run them: what is mounted without that right does not serve."""
    if not os.access(_MEMORY, os.W_OK) or os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(_MEMORY).free >= _ENOUGH_BYTES
