"""`python -m bench.triggers [PART ...]`: what an inbound call costs, and how long callers, deadlines and processes wait.

Each part starts a throwaway platform of its own and asks one question. The parts put triggers into tables and kill pods, so a
platform of others is never used.

Invariant: a part that fails or takes longer than its limit is told and does not keep the others from running; exit code 1
then, and when a call that was answered 204 is not in its place.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Mapping
from typing import Protocol

from bench import command, machine
from bench.command import TROUBLE, say
from bench.database import Settings, read_settings
from bench.engine_report import EngineReport
from bench.finding import Finding
from bench.trigger_parts import calls, deadline, latency, start, waiting
from bench.webhooks import Ground, Options, ground


class Part(Protocol):
    """A module of bench.trigger_parts."""

    def limit(self, options: Options) -> float:
        """Seconds that it takes at most."""

    def run(self, here: Ground, options: Options) -> Awaitable[Finding]:
        """What it found. ProductError or ProgramError when it cannot be run."""


PARTS: Mapping[str, Part] = {
    "calls": calls,
    "latency": latency,
    "deadline": deadline,
    "start": start,
    "waiting": waiting,
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
        async with asyncio.timeout(seconds), ground() as here:
            postgres = await read_settings(here.database)
            return await part.run(here, options), postgres
    except TimeoutError:
        why = f"not done within {seconds:.0f} s"
    except TROUBLE as error:
        why = str(error) or type(error).__name__
    return Finding(part=name, figures={}, failures=[why]), postgres


def main() -> int:
    """Exit code 1 when a call was lost or a part failed."""
    options = command.parser("bench.triggers", "What an inbound call costs, and how long who waits.")
    options.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (all)")
    options.add_argument("--pairs", type=int, default=5, help="pairs of rounds, and kills (5)")
    options.add_argument("--seconds", type=float, default=5.0, help="of each measured stretch (5)")
    options.add_argument("--connections", type=int, default=256, help="kept alive, of the load client (256)")
    options.add_argument("--triggers", type=int, default=100, help="that share the load (100)")
    options.add_argument("--rate", type=float, default=500.0, help="calls a second where the rate is fixed (500)")
    options.add_argument("--open", type=int, default=10_000, help="windows that stay open (10000)")
    arguments = vars(options.parse_args())
    name, names = arguments.pop("save"), arguments.pop("parts") or list(PARTS)
    if unknown := sorted(set(names) - PARTS.keys()):
        options.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    chosen = Options(**arguments)
    longest = sum(PARTS[name].limit(chosen) + 60 for name in names)
    return command.carry_out(lambda: bench(names, chosen), longest, name)


if __name__ == "__main__":
    sys.exit(main())
