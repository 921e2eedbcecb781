"""`runhook standalone` as a test runs it: a process of its own, in a data directory of its own, ended in any case."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

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
    """A running platform; use it in a `with` block. `printed` is what was read of its output."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir = data_dir
        self.printed = ""
        self._settings = settings

    def __enter__(self) -> Self:
        self.process = start(self.data_dir, **self._settings)
        try:
            self.first_line = self.printed_until("ready ").strip()
        except BaseException:
            self.process.kill()
            raise
        self.facts: Mapping[str, Any] = json.loads((self.data_dir / "standalone.json").read_text())
        return self

    def printed_until(self, text: str) -> str:
        """Read on until a line holds the text; returns that line."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line
            if text in line:
                return line
        raise AssertionError(f"it ended without a word of {text!r}:\n{self.printed}")

    def stop(self, number: signal.Signals = signal.SIGINT, *, timeout: float = 30) -> int:
        """Send a signal and wait; returns the exit code."""
        self.process.send_signal(number)
        self.process.wait(timeout)
        assert self.process.stdout is not None
        self.printed += self.process.stdout.read()
        return self.process.returncode

    def __exit__(self, *_: object) -> None:
        with self.process:
            if self.process.poll() is None:
                try:
                    self.stop(signal.SIGTERM)
                finally:
                    self.process.kill()


def start(data_dir: Path, **settings: str) -> subprocess.Popen[str]:
    """Start it and return at once; what it says on stderr comes with its output."""
    return subprocess.Popen(
        COMMAND,
        env=environment(data_dir, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
