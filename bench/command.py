"""What the commands of all benches have in common: two options, where results go, and how a run ends.

Invariant: a run ends within its limit, says in one line why it could not be made, and ends with exit code 1 whenever what
it found cannot be trusted; a missed goal is printed, not punished.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from bench.product import ProductError
from bench.programs import ProgramError

RESULTS = Path(__file__).with_name("results")
#: What ends a run, or a part of one, with a line for people.
TROUBLE = (ProductError, ProgramError, OSError, asyncpg.PostgresError)


class Found(Protocol):
    """What a bench found."""

    @property
    def failed(self) -> bool:
        """Whether something was lost or a part could not be run."""

    def as_text(self) -> str:
        """For people."""

    def as_json(self) -> dict[str, Any]:
        """For machines: the same figures."""


def parser(module: str, description: str) -> argparse.ArgumentParser:
    """A command with --save."""
    options = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    options.add_argument("--save", metavar="NAME", help="write bench/results/<NAME>.json")
    return options


def add_platform(options: argparse.ArgumentParser) -> None:
    """The option --platform, for a bench that a platform of others survives."""
    options.add_argument(
        "--platform", type=Path, metavar="DATA_DIR", help="use the standalone that runs on this DATA_DIR"
    )


def carry_out(bench: Callable[[], Awaitable[Found]], limit_seconds: float, name: str | None) -> int:
    """Runs it, prints what it found, saves it under `name`; the exit code."""
    if not Path("/proc/self/schedstat").exists():
        return _refused("needs Linux: the CPU figures come from /proc")

    async def limited() -> Found:
        _end_on_sigterm()
        async with asyncio.timeout(limit_seconds):
            return await bench()

    try:
        found = asyncio.run(limited())
    except TimeoutError:
        return _refused(f"not done within {limit_seconds:.0f} s")
    except asyncio.CancelledError:
        return _refused("told to end")
    except TROUBLE as error:
        return _refused(str(error))
    print(found.as_text())
    if name:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(found.as_json(), indent=2) + "\n")
    return 1 if found.failed else 0


def _end_on_sigterm() -> None:
    """SIGTERM ends a run as Ctrl-C does, with all that it started."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def say(text: str) -> None:
    """A line of progress."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def _refused(why: str) -> int:
    say(why)
    return 1
