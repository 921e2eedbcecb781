"""`python -m bench.engine [PART ...]`: what of the delivery engine a saturated round does not show, a part at a time.

Each part asks one question of a platform that is told what it needs: how fair, how flat over a backlog, how much memory, what
TLS costs, what more pods cost, how soon after a kill, how long a claim.
"""

import argparse
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bench import command, part
from bench.finding import Options
from bench.parts import apart, backlog, claim, fairness, kill, memory, pods, tls
from bench.stage import Stage


class Part(part.Part[Options], Protocol):
    """A module of bench.parts."""

    def set_up(self, options: Options) -> AbstractAsyncContextManager[Stage]:
        """The platform that it wants."""


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


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = command.parser("bench.engine", "What of the delivery engine a saturated round does not show.")
    options.add_argument("--count", type=int, default=50_000, help="rows of a backlog (50000); 1000000 is judged")
    options.add_argument("--pairs", type=int, default=3, help="pairs of rounds, and kills (3)")
    options.add_argument("--seconds", type=float, default=6.0, help="of each measured stretch (6)")
    options.add_argument("--endpoints", type=int, default=100, help="how many, each a port of its own (100)")
    options.add_argument("--rate", type=float, default=2000.0, help="events a second where the rate is fixed (2000)")
    options.add_argument("--in-flight", type=int, default=2000, help="deliveries, where memory is measured (2000)")
    return options


def main() -> int:
    """Exit code 1 when something was lost or a part failed."""
    return part.carry_out(parser(), PARTS, Options, lambda one, options: one.set_up(options))


if __name__ == "__main__":
    sys.exit(main())
