"""A goal: what must be, what is aimed at beyond that, and what was found.

Invariant: a figure at its bound meets it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One goal against one figure. `aim` is None, and `reached` with it, where no more is asked than what must be."""

    text: str
    must: float
    aim: float | None
    found: float
    met: bool
    reached: bool | None


def at_least(text: str, must: float, aim: float | None, found: float) -> Goal:
    """A goal for what should be large."""
    reached = None if aim is None else found >= aim
    return Goal(text=f"{text}, at least", must=must, aim=aim, found=found, met=found >= must, reached=reached)


def at_most(text: str, must: float, aim: float | None, found: float) -> Goal:
    """A goal for what should be small."""
    reached = None if aim is None else found <= aim
    return Goal(text=f"{text}, at most", must=must, aim=aim, found=found, met=found <= must, reached=reached)
