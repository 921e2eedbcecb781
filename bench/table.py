"""How figures look to people: lines of at most 100 columns, each a name and up to five values.

Invariant: a value that is not 0 is not shown as 0.
"""

from collections.abc import Mapping, Sequence

from bench.database import Settings
from bench.figures import Spread
from bench.goal import Goal
from bench.machine import Machine

_NAME = 40
_VALUE = 12


def about(machine: Machine, postgres: Settings | None) -> list[str]:
    """Where the figures were taken."""
    here = [
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_gib} GiB, {machine.kernel}, "
        f"load average {machine.load_average}"
    ]
    if postgres is None:
        return here
    return [
        *here,
        f"{machine.python}, PostgreSQL {postgres.version}, fsync {postgres.fsync}, "
        f"synchronous_commit {postgres.synchronous_commit}",
    ]


def spreads(name: str, figures: Mapping[str, Spread | None]) -> list[str]:
    """A heading and a line for every figure that there is."""
    return [
        row(name, ("median", "least", "greatest")),
        *(
            row(figure, [short(value) for value in (spread.median, spread.least, spread.greatest)])
            for figure, spread in figures.items()
            if spread
        ),
    ]


def row(name: str, values: Sequence[str]) -> str:
    """One line."""
    return f"{name:<{_NAME}}" + "".join(f"{value:>{_VALUE}}" for value in values)


def goal_line(goal: Goal) -> str:
    """A goal with what was found."""
    how = "missed" if not goal.met else "reached" if goal.reached else "met"
    aim = "" if goal.aim is None else f" (aim {short(goal.aim)})"
    return f"goal {how}: {goal.text} {short(goal.must)}{aim}: {short(goal.found)}"


def short(value: float) -> str:
    """Three or four digits."""
    if value < 10:
        return format(value, ".2f" if value >= 0.1 else ".3f")
    return format(value, ".1f" if value < 1000 else ",.0f")
