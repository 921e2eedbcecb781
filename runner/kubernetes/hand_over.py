"""`python -m runner.kubernetes.hand_over`: the end of the sidecar of a run's pod, which prints the run's artifacts once the
command has ended; the runner reads them from its log.

Guards that a pod needs no way and no right to write anywhere: this has no credential and calls nobody.
"""

import json
import os
import sys
from pathlib import Path

from runner.artifacts import collect
from runner.kubernetes.parcel import pack


def main() -> None:
    """Prints the parcel."""
    patterns = json.loads(os.environ["RUNHOOK_ARTIFACTS"])
    try:
        artifacts, left_out = collect(Path(os.environ["RUNHOOK_RUN_DIRECTORY"]), patterns)
    except OSError as error:
        artifacts, left_out = [], [f"the run's directory cannot be read: {error.strerror}"]
    sys.stdout.buffer.write(pack(artifacts, left_out))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
