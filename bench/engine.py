"""`python -m bench.engine [PART ...]`: what of the delivery engine a saturated round does not show, a part at a time.

Each part starts a throwaway platform of its own, told what it needs, and asks one question: how fair, how flat over a
backlog, how much memory, what TLS costs, what more pods cost, how soon after a kill, how long a claim. The parts put rows
into tables and kill pods, so a platform of others is never used.

Invariant: a part that fails or takes longer than its limit is told and does not keep the others from running; exit code 1
then, and after a loss.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bench import command, machine
from bench.command import TROUBLE, say
from bench.database import Settings, read_settings
from bench.engine_report import EngineReport
from bench.finding import Finding, Options
from bench.parts import apart, backlog, claim, fairness, kill, memory, pods, tls
from bench.stage import Stage


class Part(Protocol):
    """A module of bench.parts."""

    def limit(self, options: Options) -> float:
        """Seconds that it takes at most."""

    def set_up(self, options: Options) -> AbstractAsyncContextManager[Stage]:
        """The platform that it wants."""

    def run(self, here: Stage, options: Options) -> Awaitable[Finding]:
        """What it found. ProductError or ProgramError when it cannot be run."""


PARTS: Mapping[str, Part] = {
    "fairness": fairness,
    "backlog": backlog,
    "memory": memory,
    "tls": tls,
    "pods": pods,
    "kill": kill,
    "claim": claim,
    "apart": apart,
}


async def bench(names: list[str], options: Options) -> EngineReport:
    """Runs these parts, one after the other."""
    here = machine.describe()
    findings, postgres = [], None
    for name in names:
        began = time.monotonic()
        say(f"{name}: at most {PARTS[name].limit(options):.0f} s")
        finding, postgres = await _part(name, options, postgres)
        findings.append(finding)
        say(f"{name}: {time.monotonic() - began:.0f} s")
    return EngineReport(machine=here, postgres=postgres, options=vars(options), findings=findings)


async def _part(name: str, options: Options, postgres: Settings | None) -> tuple[Finding, Settings | None]:
    part = PARTS[name]
    seconds = part.limit(options)
    try:
        async with asyncio.timeout(seconds), part.set_up(options) as here:
            postgres = await read_settings(here.database)
            return await part.run(here, options), postgres
    except TimeoutError:
        why = f"not done within {seconds:.0f} s"
    except TROUBLE as error:
        why = str(error) or type(error).__name__
    return Finding(part=name, figures={}, failures=[why]), postgres


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = command.parser("bench.engine", "What of the delivery engine a saturated round does not show.")
    options.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (all)")
    options.add_argument("--count", type=int, default=50_000, help="rows of a backlog (50000); 1000000 is judged")
    options.add_argument("--pairs", type=int, default=3, help="pairs of rounds, and kills (3)")
    options.add_argument("--seconds", type=float, default=6.0, help="of each measured stretch (6)")
    options.add_argument("--endpoints", type=int, default=100, help="how many, each a port of its own (100)")
    options.add_argument("--rate", type=float, default=2000.0, help="events a second where the rate is fixed (2000)")
    options.add_argument("--in-flight", type=int, default=2000, help="deliveries, where memory is measured (2000)")
    return options


def main() -> int:
    """Exit code 1 when something was lost or a part failed."""
    options = parser()
    arguments = vars(options.parse_args())
    name, names = arguments.pop("save"), arguments.pop("parts") or list(PARTS)
    if unknown := sorted(set(names) - PARTS.keys()):
        options.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    chosen = Options(**arguments)
    longest = sum(PARTS[name].limit(chosen) + 60 for name in names)
    return command.carry_out(lambda: bench(names, chosen), longest, name)


if __name__ == "__main__":
    sys.exit(main())
