"""dbt's own environment, made once for all workers of a test run."""

import fcntl
import subprocess
from pathlib import Path

from tests.support.require import missing

SETUP = Path(__file__).parents[2] / "examples" / "dbt" / "setup.sh"


def need_dbt() -> None:
    """Make it if it is not there; skip where that cannot be."""
    with SETUP.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        made = subprocess.run([SETUP], capture_output=True, text=True, check=False)
    if made.returncode:
        missing("dbt environment (examples/dbt/setup.sh)")
