"""A bench of several parts, each on a throwaway platform of its own, one after the other.

The parts put rows into tables and kill pods, so a platform of others is never used.

Invariant: a part that fails or takes longer than its limit is told and does not keep the others from running; exit code 1
then, and after a loss.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from bench import command, machine
from bench.command import TROUBLE, say
from bench.database import Settings, read_settings
from bench.engine_report import EngineReport
from bench.finding import Finding

OptionsT = TypeVar("OptionsT")
OptionsT_contra = TypeVar("OptionsT_contra", contravariant=True)


class Part(Protocol[OptionsT_contra]):
    """A module that asks one question."""

    def limit(self, options: OptionsT_contra) -> float:
        """Seconds that it takes at most."""

    def run(self, here: Any, options: OptionsT_contra) -> Awaitable[Finding]:
        """What it found on what it stands on. ProductError or ProgramError when it cannot be run."""


PartT = TypeVar("PartT", bound=Part[Any])
#: What a part stands on; it has a connection to the platform's Postgres, `database`.
SetUp = Callable[[PartT, OptionsT], AbstractAsyncContextManager[Any]]


def carry_out(
    parser: argparse.ArgumentParser,
    parts: Mapping[str, PartT],
    make: Callable[..., OptionsT],
    set_up: SetUp[PartT, OptionsT],
) -> int:
    """Runs the parts that the command line names, or all; its other options are those of `make`. The exit code."""
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(parts)} (all)")
    arguments = vars(parser.parse_args())
    name, names = arguments.pop("save"), arguments.pop("parts") or list(parts)
    if unknown := sorted(set(names) - parts.keys()):
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(parts)}")
    options = make(**arguments)
    chosen = {name: parts[name] for name in names}
    longest = sum(part.limit(options) + 60 for part in chosen.values())
    return command.carry_out(lambda: bench(chosen, options, set_up), longest, name)


async def bench(parts: Mapping[str, PartT], options: OptionsT, set_up: SetUp[PartT, OptionsT]) -> EngineReport:
    """Runs these parts, one after the other."""
    here = machine.describe()
    findings, postgres = [], None
    for name, part in parts.items():
        began = time.monotonic()
        say(f"{name}: at most {part.limit(options):.0f} s")
        finding, postgres = await _run(name, part, options, set_up, postgres)
        findings.append(finding)
        say(f"{name}: {time.monotonic() - began:.0f} s")
    return EngineReport(machine=here, postgres=postgres, options=vars(options), findings=findings)


async def _run(
    name: str, part: PartT, options: OptionsT, set_up: SetUp[PartT, OptionsT], postgres: Settings | None
) -> tuple[Finding, Settings | None]:
    seconds = part.limit(options)
    try:
        async with asyncio.timeout(seconds), set_up(part, options) as here:
            postgres = await read_settings(here.database)
            return await part.run(here, options), postgres
    except TimeoutError:
        why = f"not done within {seconds:.0f} s"
    except TROUBLE as error:
        why = str(error) or type(error).__name__
    return Finding(part=name, figures={}, failures=[why]), postgres
