"""`python -m bench.triggers [PART ...]`: what an inbound call costs, and how long callers, deadlines and processes wait."""

import sys
from collections.abc import Mapping

from bench import command, part
from bench.part import Part
from bench.trigger_parts import calls, deadline, latency, start, waiting
from bench.webhooks import Options, ground

PARTS: Mapping[str, Part[Options]] = {
    "calls": calls,
    "latency": latency,
    "deadline": deadline,
    "start": start,
    "waiting": waiting,
}


def main() -> int:
    """Exit code 1 when a call that was answered 204 is not in its place, or a part failed."""
    options = command.parser("bench.triggers", "What an inbound call costs, and how long who waits.")
    options.add_argument("--pairs", type=int, default=5, help="pairs of rounds, and kills (5)")
    options.add_argument("--seconds", type=float, default=5.0, help="of each measured stretch (5)")
    options.add_argument("--connections", type=int, default=256, help="kept alive, of the load client (256)")
    options.add_argument("--triggers", type=int, default=100, help="that share the load (100)")
    options.add_argument("--rate", type=float, default=500.0, help="calls a second where the rate is fixed (500)")
    options.add_argument("--open", type=int, default=10_000, help="windows that stay open (10000)")
    return part.carry_out(options, PARTS, Options, lambda _, __: ground())


if __name__ == "__main__":
    sys.exit(main())
