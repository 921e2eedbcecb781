"""What one part of the engine's bench found.

Invariant: a figure that was taken several times is told with its least and its greatest.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.figures import Spread, spread_of
from bench.goal import Goal


@dataclass(frozen=True, kw_only=True)
class Options:
    """How much is run: rows of a backlog, pairs of rounds, seconds of each measured stretch, endpoints, events a second
    where the rate is fixed, deliveries in flight where memory is measured."""

    count: int
    pairs: int
    seconds: float
    endpoints: int
    rate: float
    in_flight: int


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`figures` by name, `goals` judged by their medians, `notes` for whoever reads them; `failures` are what must not have
    happened (a loss)."""

    part: str
    figures: Mapping[str, Spread]
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The whole as JSON values."""
        return {
            "part": self.part,
            "figures": {name: dataclasses.asdict(spread) for name, spread in self.figures.items()},
            "goals": [dataclasses.asdict(goal) for goal in self.goals],
            "notes": self.notes,
            "failures": self.failures,
        }


def spreads(**figures: Iterable[float]) -> dict[str, Spread]:
    """Those that were taken at least once."""
    made = {name: spread_of(values) for name, values in figures.items()}
    return {name: spread for name, spread in made.items() if spread is not None}


def lost(missing: int) -> list[str]:
    """A failure, if any are missing."""
    return [f"{missing} deliveries did not arrive"] if missing else []
