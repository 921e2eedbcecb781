"""The step rule: what comes next in an execution of a plan when one of its runs has ended. The table is in docs/plans.md.

A step starts when every run of the step before SUCCEEDED. After the first failure no further step starts; what runs goes on to
its end, then the failure handler runs, once; the execution is FAILED whatever that does. `trigger.advance_plan` in SQL carries
it out.
"""

from dataclasses import dataclass, replace
from enum import Enum


class Move(Enum):
    """What comes next."""

    WAIT = "wait"
    STEP = "start the next step"
    HANDLER = "start the failure handler"
    SUCCEED = "end as SUCCEEDED"
    FAIL = "end as FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where an execution of a plan is: at `step` of `steps`, from 1, with so many unfinished runs. `failed` is whether a run of
    it has failed, `handling` whether its failure handler was started, `has_handler` and `next_is_there` whether the tasks of
    these are there."""

    steps: int
    step: int
    unfinished: int
    failed: bool = False
    handling: bool = False
    has_handler: bool = False
    next_is_there: bool = True


def next_move(at: Progress) -> Move:
    """The step rule.

    >>> next_move(Progress(steps=2, step=1, unfinished=1, failed=True))
    <Move.WAIT: 'wait'>
    >>> next_move(Progress(steps=2, step=1, unfinished=0))
    <Move.STEP: 'start the next step'>
    """
    if at.unfinished:
        return Move.WAIT
    if not at.failed and at.step == at.steps:
        return Move.SUCCEED
    if not at.failed and at.next_is_there:
        return Move.STEP
    if at.has_handler and not at.handling:
        return Move.HANDLER
    return Move.FAIL


def ended(at: Progress, *, succeeded: bool) -> Progress:
    """The progress once one more run has ended."""
    return replace(at, unfinished=at.unfinished - 1, failed=at.failed or not succeeded)


def timed_out(at: Progress) -> Progress:
    """The progress once the plan's time is over: what was unfinished is killed, but not a failure handler."""
    return at if at.handling else replace(at, unfinished=0, failed=True)


def moved(at: Progress, move: Move, *, runs: int) -> Progress:
    """The progress after a move that started so many runs."""
    if move is Move.STEP:
        return replace(at, step=at.step + 1, unfinished=runs)
    if move is Move.HANDLER:
        return replace(at, failed=True, handling=True, unfinished=runs)
    return at
