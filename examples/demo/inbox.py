"""The receiver's letterbox, as the demo reads it. Invariant: the receiver ends with the demo, however that ends."""

import base64
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from examples.demo.ledger import Fact, fact_of
from examples.demo.story import Trouble

SETTLE_SECONDS = 1.0
_ANSWER_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One POST that came: when (unix seconds), whether its signature held, its headers and its raw body."""

    path: str
    at: float
    genuine: bool
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The body, read."""
        event: dict[str, Any] = json.loads(self.body)
        return event

    @property
    def fact(self) -> Fact:
        """What it tells of."""
        return fact_of(self.event)


class Inbox:
    """A running receiver and what it has received."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "examples.demo.receiver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the demo, which closes its stdin
        )
        self._told = threading.Condition()
        self._port = 0
        self._trusted: set[str] = set()
        self._deliveries: list[Delivery] = []
        threading.Thread(target=self._listen, daemon=True).start()
        self._wait(lambda: self._port != 0, _ANSWER_SECONDS)

    def url(self, path: str) -> str:
        """Where a path of the receiver is."""
        return f"http://127.0.0.1:{self._port}{path}"

    def trust(self, path: str, secret: str) -> None:
        """Give the receiver the secret with which a path's deliveries are signed."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{path} {secret}\n")
        self._process.stdin.flush()
        self._wait(lambda: path in self._trusted, _ANSWER_SECONDS)

    def at(self, path: str) -> list[Delivery]:
        """The genuine deliveries to a path, in the order in which they came."""
        with self._told:
            return [one for one in self._deliveries if one.path == path and one.genuine]

    def refused(self, path: str) -> int:
        """How many POSTs to a path were not genuine."""
        with self._told:
            return sum(one.path == path and not one.genuine for one in self._deliveries)

    def collect(self, due: Counter[tuple[str, Fact]], seconds: float) -> Counter[tuple[str, Fact]]:
        """What came: waits at most `seconds` for what is due, then a moment more for what is not."""
        self._wait(lambda: self._came() >= due, seconds)
        time.sleep(SETTLE_SECONDS)
        with self._told:
            return self._came()

    def close(self) -> None:
        """End the receiver."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _came(self) -> Counter[tuple[str, Fact]]:
        return Counter((one.path, one.fact) for one in self._deliveries if one.genuine)

    def _wait(self, until: Any, seconds: float) -> None:
        with self._told:
            self._told.wait_for(lambda: until() or self._process.poll() is not None, seconds)
            if self._process.poll() is not None:
                raise Trouble(f"the receiver ended with code {self._process.returncode}")

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            facts = json.loads(line)
            with self._told:
                self._note(facts)
                self._told.notify_all()
        with self._told:
            self._told.notify_all()

    def _note(self, facts: dict[str, Any]) -> None:
        if "port" in facts:
            self._port = facts["port"]
        elif "trusts" in facts:
            self._trusted.add(facts["trusts"])
        else:
            facts["body"] = base64.b64decode(facts["body"])
            facts["headers"] = tuple((name, value) for name, value in facts["headers"])
            self._deliveries.append(Delivery(**facts))
