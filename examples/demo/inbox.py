"""The receiver's process and what it has received. Invariant: it is gone when the demo is, however that ends."""

import base64
import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.demo.story import Trouble
from standalone import launch

_START_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One POST that came: when (unix seconds), whether its signature held, its headers and its raw body."""

    path: str
    at: float
    genuine: bool
    headers: list[list[str]]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The body, read."""
        event: dict[str, Any] = json.loads(self.body)
        return event


class Inbox:
    """A running receiver."""

    def __init__(self, folder: Path) -> None:
        self._secrets_file = folder / "secrets.json"
        self._told = folder / "receiver.log"
        self._secrets: dict[str, str] = {}
        program = [sys.executable, "-m", "examples.demo.receiver", str(self._secrets_file)]
        with self._told.open("wb") as log:
            self._process = launch.start(program, log=log, death_signal=signal.SIGKILL)
        if not self.wait(lambda: self._lines() != [], _START_SECONDS):
            raise Trouble(f"the receiver did not start: {self._told.read_text()}")
        self._port = self._lines()[0]["port"]

    def url(self, path: str) -> str:
        """Where a path of the receiver is."""
        return f"http://127.0.0.1:{self._port}{path}"

    def trust(self, path: str, secret: str) -> None:
        """Give the receiver the secret with which a path's deliveries are signed."""
        self._secrets[path] = secret
        draft = self._secrets_file.with_suffix(".new")
        draft.write_text(json.dumps(self._secrets))
        draft.replace(self._secrets_file)

    def deliveries(self) -> list[Delivery]:
        """All that was POSTed, in the order in which it came."""
        return [Delivery(**{**facts, "body": base64.b64decode(facts["body"])}) for facts in self._lines()[1:]]

    def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        """Whether it came true in time; looks again and again, for there is no event to await in another process."""
        deadline = time.monotonic() + seconds
        while not until():
            if time.monotonic() > deadline or self._process.poll() is not None:
                return False
            time.sleep(0.05)
        return True

    def close(self) -> None:
        """End the receiver; it holds nothing that must be kept."""
        self._process.kill()
        self._process.wait()

    def _lines(self) -> list[dict[str, Any]]:
        whole = self._told.read_bytes().rpartition(b"\n")[0]
        return [json.loads(line) for line in whole.splitlines()]
