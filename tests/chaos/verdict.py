"""Judges a run by the publisher's log and the receiver's. Invariant: pure; it knows neither clock nor platform.

Lost: acknowledged and never answered 200 by its endpoint. Published twice: one run, two event ids, so a request id that
did not hold. A duplicate: an arrival of what had been answered 200 before. It is laid to a fault that struck between
that 200 and the commit of its record, since that record is what a fault undoes; or, on a busy machine, to the receiver,
which read a request when its sender had given up on it.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf

from tests.chaos.house import ENDPOINTS
from tests.chaos.ledger import Ledger
from tests.chaos.plan import Kind
from tests.chaos.receiver import never_fails
from tests.chaos.striker import Struck

NORMAL_SECONDS = 1.0
RECOVERY_SECONDS = 30.0
# Between a target's readiness and its work lies up to this; between an answer and the commit of its record; and between
# a fault's beginning and the line that the receiver wrote of what came just before.
_SLACK_SECONDS = 3.0
_COMMIT_SECONDS = 1.0
_LOG_SECONDS = 0.3
_OF_PODS = frozenset({Kind.KILL_POD, Kind.STOP_POD, Kind.DRAIN_POD, Kind.POINT})
_OF_RECEIVERS = frozenset({Kind.KILL_RECEIVER})
_OF_DATABASES = frozenset({Kind.KILL_POSTGRES, Kind.STOP_POSTGRES, Kind.REFUSE, Kind.UPGRADE})
# What a record waits for until it ends.
_DELAYS = _OF_DATABASES | {Kind.POINT}
NO_FAULT, TOO_LATE = -1, -2


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """An arrival at `at` of what had been answered 200 at `answered`; `fault` is an index into the faults, TOO_LATE or
    NO_FAULT."""

    number: int
    answered: float
    at: float
    fault: int


def endpoint_of(number: int) -> int:
    """Where event `number` goes."""
    return number % ENDPOINTS


def lost(ledger: Ledger) -> list[int]:
    """Event numbers."""
    return [number for number, due in enumerate(ledger.due) if due and not ledger.answered[number]]


def duplicates(ledger: Ledger, struck: Sequence[Struck], slots: int, pods: int) -> list[Duplicate]:
    """All of them, in the order of time. Where several faults may have caused one, it is the likeliest that can have caused one
    more: faults that overlap cannot be told apart by time alone."""
    left = [most_of(one, struck, slots, pods) for one in struck]
    found = []
    for number, answered, at, late in ledger.repeats:
        fault = TOO_LATE if late else _one_of(causes(answered, at, struck), left)
        if fault >= 0:
            left[fault] -= 1
        found.append(Duplicate(number=number, answered=answered, at=at, fault=fault))
    return found


def _one_of(likely: Sequence[int], left: Sequence[int]) -> int:
    return next((fault for fault in likely if left[fault] > 0), likely[0] if likely else NO_FAULT)


def causes(answered: float, at: float, struck: Sequence[Struck]) -> list[int]:
    """The faults that may have undone the record of an answer, the likeliest first; none if none struck before it can have been
    committed.

    A killed or stopped pod goes before the receiver, and that before the database, which alone only delays a record. Of
    several alike, the one that began nearest to the answer.
    """
    until = min(at, unrecorded_until(answered, struck))
    likely: list[int] = []
    for kinds in (_OF_PODS, _OF_RECEIVERS, _OF_DATABASES):
        near = [
            (abs(one.began - answered), number)
            for number, one in enumerate(struck)
            if one.fault.kind in kinds and one.began <= until and _reach(one) >= answered
        ]
        likely += [number for _, number in sorted(near)]
    return likely


def unrecorded_until(answered: float, struck: Sequence[Struck]) -> float:
    """By when the answer was committed at the latest: soon, unless the database was away, one fault after another."""
    until = answered + _COMMIT_SECONDS
    for one in sorted(struck, key=lambda one: one.began):
        ends = one.ended + _SLACK_SECONDS
        if one.fault.kind in _DELAYS and one.began <= until and ends >= answered:
            until = max(until, ends)
    return until


def _reach(one: Struck) -> float:
    """Until when an answer may suffer from it: a killed process gets none any more, and the others come back slowly."""
    if one.fault.kind in (Kind.KILL_POD, Kind.KILL_RECEIVER, Kind.POINT):
        return one.began + _LOG_SECONDS
    if one.fault.kind is Kind.DRAIN_POD:
        return one.went
    return one.ended + _SLACK_SECONDS


def most_of(one: Struck, struck: Sequence[Struck], slots: int, pods: int) -> int:
    """How many duplicates a fault may cause: what the pods it strikes had in flight, or had answered and not yet recorded; a
    pod holds twice its slots. A drain causes none, unless the database was away and cut it short."""
    match one.fault.kind:
        case Kind.KILL_SUBSCRIPTIONS | Kind.UPGRADE:
            return 0
        case Kind.DRAIN_POD:
            cut = any(
                other.fault.kind in _DELAYS and other.began <= one.went and other.ended + _SLACK_SECONDS >= one.began
                for other in struck
            )
            return 2 * slots if cut else 0
        case Kind.KILL_POD | Kind.STOP_POD | Kind.POINT:
            return 2 * slots
        case _:
            return 2 * slots * pods


def most_unrecorded(struck: Sequence[Struck], slots: int, pods: int) -> int:
    """How many arrivals may stand in no record: what pods took with them. A database that is away only delays records."""
    return sum(most_of(one, struck, slots, pods) for one in struck if one.fault.kind in _OF_PODS)


def by_cause(found: Sequence[Duplicate], struck: Sequence[Struck]) -> Counter[str]:
    """How many for each kind of fault."""
    names = {NO_FAULT: "no fault", TOO_LATE: "read after its timeout"}
    return Counter(names.get(one.fault) or str(struck[one.fault].fault.kind) for one in found)


def lags(ledger: Ledger, since: int = 0) -> Iterator[tuple[float, float]]:
    """(due, seconds until the first arrival or infinity) of the events from number `since` on for endpoints that never
    fail."""
    for number in range(since, len(ledger.due)):
        if (due := ledger.due[number]) and never_fails(endpoint_of(number)):
            yield due, ledger.first[number] - due if ledger.first[number] else inf


def p99(values: Sequence[float]) -> float:
    """Nearest rank; 0 of nothing."""
    return sorted(values)[ceil(0.99 * len(values)) - 1] if values else 0.0


def recovery(found: Sequence[tuple[float, float]], after: float, until: float) -> float:
    """Seconds from `after` until every later second's p99 is normal, looked at until `until`; inf if the last is not."""
    seconds = bad_seconds(found, after, until)
    if not seconds or seconds[-1]:
        return inf
    return float(max((second + 1 for second, bad in enumerate(seconds) if bad), default=0))


def bad_seconds(found: Sequence[tuple[float, float]], after: float, until: float) -> list[bool]:
    """Of each whole second from `after` to `until`, whether its p99 was out of the normal. Empty if nothing was due."""
    seconds: defaultdict[int, list[float]] = defaultdict(list)
    for due, lag in found:
        if after <= due < after + floor(until - after):  # whole seconds: a piece of one is too few for a p99
            seconds[floor(due - after)].append(lag)
    last = max(seconds, default=-1)
    return [p99(seconds[second]) >= NORMAL_SECONDS for second in range(last + 1)]


def backlog(ledger: Ledger, after: float) -> float:
    """Seconds from `after` until all that was due before, for endpoints that never fail, had come; inf if not."""
    latest = max((due + lag for due, lag in lags(ledger) if due < after), default=after)
    return max(0.0, latest - after)


def retry_lateness(ledger: Ledger, struck: Sequence[Struck], latest: float) -> list[float]:
    """Seconds after the end of the schedule's window (`latest` after a failure) at which a retry came, not below 0;
    only of those retries that no fault lay near."""
    began, ended = _troubled(struck)
    late = []
    for before, after in zip(ledger.retries[::2], ledger.retries[1::2], strict=True):
        last = bisect_right(began, after) - 1
        if last < 0 or ended[last] < before:
            late.append(max(0.0, after - before - latest))
    return late


def _troubled(struck: Sequence[Struck]) -> tuple[list[float], list[float]]:
    """When faults lay near: beginnings and ends of stretches that do not overlap, in order."""
    began: list[float] = []
    ended: list[float] = []
    for one in sorted(struck, key=lambda one: one.began):
        if ended and one.began <= ended[-1]:
            ended[-1] = max(ended[-1], one.ended + _SLACK_SECONDS)
        else:
            began.append(one.began)
            ended.append(one.ended + _SLACK_SECONDS)
    return began, ended
