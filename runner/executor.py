"""What carries out runs, whatever it is made of: the interface between the worker and an executor, and nothing else.

Guards that the life of a run (started, logged, reported, stored) is written once, in the worker: an executor only starts
a command, waits for its end, kills it, hands on what it prints and gives what it left behind.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from runner.artifacts import Artifact
from runner.ending import Ending
from runner.held import HeldRun
from runner.invocation import Order


class Output(Protocol):
    """Where an executor puts what a command prints."""

    async def write(self, data: bytes) -> None:
        """Takes the next bytes as they were printed. Waits where trigger_svc takes them more slowly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """What the worker must know of a command: how its results are read ("" or "dbt"), how much of its end is kept."""

    preset: str
    most_output_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a run left behind: 16 MiB of artifacts at most, and a sentence for each file that was left out."""

    artifacts: tuple[Artifact, ...] = ()
    left_out: tuple[str, ...] = ()


class StartedRun(Protocol):
    """One run under way."""

    async def wait(self, seconds: float) -> Ending:
        """How it ended: by itself, or killed after `seconds` or because the run's `stop` was set.

        Killing is SIGTERM, then SIGKILL after the executor's grace. What it printed has been written when this returns.
        """

    async def artifacts(self) -> Left:
        """What it left behind; to be asked after `wait`."""


class Executor(Protocol):
    """Starts runs of the operator's commands."""

    def admit(self, order: Order) -> Admitted:
        """Checks an order against what the operator allows, without I/O. NotRunnable says all that stands against it."""

    def start(self, held: HeldRun, order: Order, output: Output) -> AbstractAsyncContextManager[StartedRun]:
        """Fetches the payload and makes an admitted order ready. Once it is left, however, nothing of the run remains.

        NotRunnable where it cannot be; LeaseLost.
        """
