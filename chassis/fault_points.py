"""Named places where a process under test dies, loses its connection or pauses: the gaps that a crash at random rarely hits.

Invariant: nothing is armed unless the settings say so, which they may in development alone. What is not armed is not there:
`around` hands back the very function that it was given, once, while the rooms are built, so a hot path asks nothing.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn, ParamSpec, TypeVar

import asyncpg

from chassis.logs import get_logger

P = ParamSpec("P")
R = TypeVar("R")
log = get_logger()
PAUSE_SECONDS = 3.0

#: Endpoints have answered, and no attempt is on record.
AFTER_POST_BEFORE_RECORD = "after_post_before_record"
#: Attempts are on record, and the pod still holds their deliveries.
AFTER_RECORD_COMMIT_BEFORE_RELEASE = "after_record_commit_before_release"
#: A flush of events is under way and its commit has not come. What is lost here was not stored, and the publisher cannot know.
IN_FLUSH_UNKNOWN_OUTCOME = "in_flush_unknown_outcome"
#: The other side of that: events are committed, their deliveries born leased, and neither publisher nor pod has heard of it.
AFTER_PUBLISH_COMMIT_BEFORE_ANSWER = "after_publish_commit_before_answer"
#: Deliveries are leased to the pod, which does not hold them yet.
AFTER_CLAIM_BEFORE_DISPATCH = "after_claim_before_dispatch"
OF_DELIVERY = (
    AFTER_POST_BEFORE_RECORD,
    AFTER_RECORD_COMMIT_BEFORE_RELEASE,
    IN_FLUSH_UNKNOWN_OUTCOME,
    AFTER_PUBLISH_COMMIT_BEFORE_ANSWER,
    AFTER_CLAIM_BEFORE_DISPATCH,
)
#: A flush of calls is on its way, and its commit has not come: nothing of it is acknowledged.
IN_RECEIVE_BEFORE_COMMIT = "in_receive_before_commit"
#: Calls are committed as members of their windows, and nobody was told: their senders call again.
AFTER_RECEIVE_COMMIT_BEFORE_ANSWER = "after_receive_commit_before_answer"
#: Windows are closed and their executions made, and nobody of this pod looks for their runs.
AFTER_CLOSE_BEFORE_NOTIFY = "after_close_before_notify"
OF_TRIGGERS = (IN_RECEIVE_BEFORE_COMMIT, AFTER_RECEIVE_COMMIT_BEFORE_ANSWER, AFTER_CLOSE_BEFORE_NOTIFY)
#: A runner has a run and has not started it.
AFTER_CLAIM_OF_RUN_BEFORE_START = "after_claim_of_run_before_start"
#: The command has ended, and nobody was told.
AFTER_RUN_DONE_BEFORE_FINISH = "after_run_done_before_finish"
OF_RUNNER = (AFTER_CLAIM_OF_RUN_BEFORE_START, AFTER_RUN_DONE_BEFORE_FINISH)
POINTS = (*OF_DELIVERY, *OF_TRIGGERS, *OF_RUNNER)


class Action(StrEnum):
    """What happens there: kill -9 of itself, an error as of a lost connection, PAUSE_SECONDS of waiting."""

    DIE = "die"
    LOSE_CONNECTION = "lose_connection"
    PAUSE = "pause"


@dataclass(slots=True)
class Armed:
    """A point that strikes once, when it is reached for the `countdown`-th time."""

    point: str
    action: Action
    countdown: int


_armed: dict[str, Armed] = {}


def parse(text: str) -> list[Armed]:
    """`point:action[:n]`, separated by commas; n is 1 unless given. ValueError says what is wrong."""
    return [_parse_one(part.strip()) for part in text.split(",") if part.strip()]


def arm(text: str) -> None:
    """Arms these and no others; before the rooms are built."""
    _armed.clear()
    _armed.update({one.point: one for one in parse(text)})
    for one in _armed.values():
        log.warning("fault_point.armed", point=one.point, action=one.action, countdown=one.countdown)


def around(
    act: Callable[P, Awaitable[R]], *, before: str | None = None, after: str | None = None
) -> Callable[P, Awaitable[R]]:
    """`act` itself, unless one of its points is armed."""
    if before not in _armed and after not in _armed:
        return act

    async def struck(*args: P.args, **kwargs: P.kwargs) -> R:
        await _reach(before)
        answer = await act(*args, **kwargs)
        await _reach(after)
        return answer

    return struck


async def _reach(point: str | None) -> None:
    armed = _armed.get(point or "")
    if armed is None:
        return
    armed.countdown -= 1
    if armed.countdown:
        return
    log.warning("fault_point.reached", point=armed.point, action=armed.action)
    match armed.action:
        case Action.DIE:
            _die()
        case Action.LOSE_CONNECTION:
            raise asyncpg.ConnectionDoesNotExistError(f"lost on purpose: {armed.point}")
        case Action.PAUSE:
            await asyncio.sleep(PAUSE_SECONDS)


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise SystemExit  # not reached: the signal cannot be caught


def _parse_one(text: str) -> Armed:
    point, _, rest = text.partition(":")
    action, _, countdown = rest.partition(":")
    if point not in POINTS:
        raise ValueError(f"{point!r} is no fault point: they are {', '.join(POINTS)}")
    if action not in tuple(Action):
        raise ValueError(f"{action!r} is nothing that a fault point does: {', '.join(Action)}")
    if countdown and not (countdown.isdecimal() and int(countdown)):
        raise ValueError(f"{countdown!r} is not how often a point is reached before it strikes: a number from 1 on")
    return Armed(point, Action(action), int(countdown or 1))
