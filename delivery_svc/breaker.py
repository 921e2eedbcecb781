"""The breaker: after so many failed attempts in a row an endpoint is left alone for a while, and then probed. A pure rule.

A probe is a few attempts at once, and one that succeeds will do: an endpoint that fails half of the time passes seven
probes of eight, where a single attempt would keep it shut for twice as long every other time.

Attempts count, of whichever deliveries; tests do not, nor what this process cut short by stopping. The state is in the
lane's row, which all pods share: store/lane.py:NOTE_HEALTH applies this same rule there, and a test holds the two together.
"""

from dataclasses import dataclass
from math import ceil

PROBES = 3  # attempts of one probe, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """Opens after `failures` in a row (None: never), for `shortest` seconds, twice as long at every failed probe, at most
    `longest`."""

    failures: int | None = 10
    shortest: float = 5.0
    longest: float = 300.0


NO_BREAKER = BreakerPolicy(failures=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Failed attempts in a row; until when it is open (seconds on the database's clock; None: closed), and how often it
    opened since the last success. Past `open_until` it is probed, which closes it or opens it again."""

    failed_attempts: int = 0
    open_until: float | None = None
    openings: int = 0


def after(
    breaker: Breaker, *, recovered: bool, failed: int, began: float, now: float, policy: BreakerPolicy
) -> Breaker:
    """The breaker after a moment in which `failed` attempts failed since the last success of it (`recovered`: there was
    one), the latest begun at `began`. What was begun before the breaker opened is no probe, however late it fails; `began` is
    a pod's clock, so half of the shortest time is left for its error.

    >>> after(Breaker(failed_attempts=9), recovered=False, failed=1, began=99.0, now=100.0, policy=BreakerPolicy())
    Breaker(failed_attempts=10, open_until=105.0, openings=1)
    """
    before = Breaker() if recovered else breaker
    if failed == 0:
        return before
    count = before.failed_attempts + failed
    if policy.failures is None or count < policy.failures:
        return Breaker(failed_attempts=count)
    if before.open_until is not None and (now < before.open_until or began < before.open_until - policy.shortest / 2):
        return Breaker(failed_attempts=count, open_until=before.open_until, openings=before.openings)
    seconds = min(policy.longest, policy.shortest * 2.0 ** min(before.openings, 30))
    return Breaker(failed_attempts=count, open_until=now + seconds, openings=before.openings + 1)


def shut_for(openings: int, policy: BreakerPolicy) -> float:
    """Seconds that so many openings after one another took, without a success.

    >>> [shut_for(number, BreakerPolicy()) for number in (0, 1, 3, 9)]
    [0.0, 5.0, 35.0, 1215.0]
    """
    seconds, length = 0.0, policy.shortest
    while openings > 0 and length < policy.longest:
        seconds, length, openings = seconds + length, length * 2, openings - 1
    return seconds + openings * policy.longest


def openings_in(seconds: float, policy: BreakerPolicy) -> int:
    """How many openings after one another take so long.

    >>> openings_in(35.0, BreakerPolicy()), openings_in(36.0, BreakerPolicy())
    (3, 4)
    """
    openings, length = 0, policy.shortest
    while seconds > 0 and length < policy.longest:
        seconds, length, openings = seconds - length, length * 2, openings + 1
    return openings + ceil(max(0.0, seconds) / policy.longest)
