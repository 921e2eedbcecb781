"""`runhook standalone` as a test runs it: a process of its own, in a data directory of its own, ended in any case."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "cli", "standalone"]
ROOT = Path(__file__).parents[2]


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """A person's environment with these settings; a free port unless one is given."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PORT": "0", "DATA_DIR": str(data_dir), **settings}


def fail_to_start(data_dir: Path, **settings: str) -> str:
    """Run it where it must not start; returns what stderr says. It must say nothing else."""
    ran = subprocess.run(
        COMMAND, env=environment(data_dir, **settings), capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.stdout, ran.returncode) == ("", 1), ran.stderr
    return ran.stderr


class Standalone:
    """A running platform; use it in a `with` block."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir = data_dir
        self._settings = settings

    def __enter__(self) -> "Standalone":
        self.process = subprocess.Popen(
            COMMAND,
            env=environment(self.data_dir, **self._settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline().strip()
        assert self.first_line.startswith("ready http://127.0.0.1:"), self.first_line + self.process.stdout.read()
        self.facts: Mapping[str, Any] = json.loads((self.data_dir / "standalone.json").read_text())
        return self

    def stop(self, number: signal.Signals = signal.SIGINT, *, timeout: float = 30) -> tuple[int, str]:
        """Send a signal; returns the exit code and everything that was printed after the first line."""
        self.process.send_signal(number)
        printed = self.process.communicate(timeout=timeout)[0]
        return self.process.returncode, printed

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.communicate(timeout=30)
            finally:
                self.process.kill()
