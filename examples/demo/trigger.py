"""A task and its trigger, as REST shows them, and the calls to the trigger's secret URL."""

import json
import time
from collections.abc import Mapping
from typing import Any

from examples.demo.product import request
from examples.demo.stage import Stage
from examples.demo.story import Trouble

_V1 = "/api/v1/accounts/{account}"


class Trigger:
    """A new task, and a trigger that starts it after `threshold` calls or `seconds` after the first."""

    def __init__(self, stage: Stage, task: Mapping[str, object], *, threshold: int, seconds: int) -> None:
        self._stage = stage
        self.task_id: str = stage.product.ask("POST", f"{_V1}/tasks", task)["task_id"]
        wanted = {"name": "carrier", "task_id": self.task_id, "threshold": threshold, "duration_seconds": seconds}
        made = stage.product.ask("POST", f"{_V1}/triggers", wanted)
        self._trigger_id, self._url = made["trigger_id"], made["url"]
        stage.story.say(f"task {self.task_id} runs {task['command']}; trigger {self._trigger_id} has a secret URL")

    def call(self, *bodies: object) -> float:
        """POST to the secret URL; when it began (unix seconds)."""
        began_at = time.time()
        for body in bodies:
            sent = json.dumps(body)
            status, _ = request("POST", self._url, sent.encode(), {"Content-Type": "application/json"})
            self._stage.story.check(f"the answer to {sent}", expected=204, came=status)
        return began_at

    def newest_window(self) -> dict[str, Any]:
        """The window that is open, or closed last."""
        trigger = self._stage.product.ask("GET", f"{_V1}/triggers/{self._trigger_id}")
        window: dict[str, Any] = trigger["newest_window"]
        return window

    def newest_execution(self, count: int, seconds: float) -> dict[str, Any]:
        """Waits at most so long until the task has had `count` executions; the newest of them."""
        self._stage.inbox.wait(lambda: len(self._executions()) >= count, seconds)
        found = self._executions()
        self._stage.story.check("executions of the task, in all", expected=count, came=len(found))
        if not found:
            raise Trouble("without an execution there is nothing more to see")
        return found[0]

    def run(self, run_id: str) -> dict[str, Any]:
        """A run."""
        run: dict[str, Any] = self._stage.product.ask("GET", f"{_V1}/runs/{run_id}")
        return run

    def _executions(self) -> list[dict[str, Any]]:
        answer = self._stage.product.ask("GET", f"{_V1}/executions?task_id={self.task_id}")
        executions: list[dict[str, Any]] = answer["executions"]
        return executions
