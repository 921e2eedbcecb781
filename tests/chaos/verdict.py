"""Judges a run by the publisher's log and the receiver's. Invariant: pure; it knows neither clock nor platform.

Lost: acknowledged and never answered 200 by its endpoint. Published twice: one run, two event ids, so a request id that
did not hold. A duplicate: an arrival of what had been answered 200 before. It is laid to a fault that struck between
that 200 and the commit of its record, since that record is what a fault undoes.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, inf

from tests.chaos.plan import Kind
from tests.chaos.publisher import Acknowledged
from tests.chaos.receiver import OK, Arrival, never_fails
from tests.chaos.striker import Struck

NORMAL_SECONDS = 1.0
RECOVERY_SECONDS = 30.0
# Between a target's readiness and its work lies up to this; between an answer and the commit of its record; and between
# a fault's beginning and the line that the receiver wrote of what came just before.
_SLACK_SECONDS = 3.0
_COMMIT_SECONDS = 1.0
_LOG_SECONDS = 0.3
_OF_PODS = frozenset({Kind.KILL_POD, Kind.STOP_POD})
_OF_RECEIVERS = frozenset({Kind.KILL_RECEIVER})
_OF_DATABASES = frozenset({Kind.KILL_POSTGRES, Kind.STOP_POSTGRES, Kind.REFUSE})
NO_FAULT = -1
Arrivals = Mapping[str, Sequence[Arrival]]


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """An arrival at `at` of what had been answered 200 at `answered`; `fault` is an index into the faults or NO_FAULT."""

    event_id: str
    endpoint: int
    answered: float
    at: float
    fault: int


def lost(acknowledged: Sequence[Acknowledged], delivered: set[str]) -> list[str]:
    """Event ids."""
    return [one.event_id for one in acknowledged if one.event_id not in delivered]


def published_twice(acknowledged: Sequence[Acknowledged], arrivals: Arrivals) -> dict[int, list[str]]:
    """Run id to the event ids that it was seen under, acknowledged or delivered, where there is more than one."""
    seen: defaultdict[int, set[str]] = defaultdict(set)
    for one in acknowledged:
        seen[one.run_id].add(one.event_id)
    for event_id, those in arrivals.items():
        seen[those[0].run_id].add(event_id)
    return {run_id: sorted(ids) for run_id, ids in seen.items() if len(ids) > 1}


def duplicates(arrivals: Arrivals, struck: Sequence[Struck]) -> list[Duplicate]:
    """All of them, in the order of time."""
    found = []
    for event_id, those in arrivals.items():
        answered: float | None = None
        for arrival in those:
            if answered is not None:
                fault = cause(answered, arrival.at, struck)
                found.append(
                    Duplicate(
                        event_id=event_id, endpoint=arrival.endpoint, answered=answered, at=arrival.at, fault=fault
                    )
                )
            if arrival.status == OK:
                answered = arrival.at
    return sorted(found, key=lambda one: one.at)


def cause(answered: float, at: float, struck: Sequence[Struck]) -> int:
    """The fault that undid the record of an answer: NO_FAULT if none struck before it can have been committed.

    A killed or stopped pod goes before the receiver, and that before the database, which alone only delays a record. Of
    several alike, the one that began nearest to the answer.
    """
    until = min(at, unrecorded_until(answered, struck))
    for kinds in (_OF_PODS, _OF_RECEIVERS, _OF_DATABASES):
        near = [
            (abs(one.began - answered), number)
            for number, one in enumerate(struck)
            if one.fault.kind in kinds and one.began <= until and _reach(one) >= answered
        ]
        if near:
            return min(near)[1]
    return NO_FAULT


def unrecorded_until(answered: float, struck: Sequence[Struck]) -> float:
    """By when the answer was committed at the latest: soon, unless the database was away, one fault after another."""
    until = answered + _COMMIT_SECONDS
    for one in sorted(struck, key=lambda one: one.began):
        if one.fault.kind in _OF_DATABASES and one.began <= until and _reach(one) >= answered:
            until = max(until, _reach(one))
    return until


def _reach(one: Struck) -> float:
    """Until when an answer may suffer from it: a killed process gets none any more, and the others come back slowly."""
    if one.fault.kind in (Kind.KILL_POD, Kind.KILL_RECEIVER):
        return one.began + _LOG_SECONDS
    return one.ended + _SLACK_SECONDS


def most_of(kind: Kind, slots: int, pods: int) -> int:
    """How many duplicates a fault of this kind may cause: what the pods it strikes had in flight, or had answered and
    not yet recorded; a pod holds twice its slots."""
    match kind:
        case Kind.KILL_SUBSCRIPTIONS:
            return 0
        case Kind.KILL_POD | Kind.STOP_POD:
            return 2 * slots
        case _:
            return 2 * slots * pods


def by_cause(found: Sequence[Duplicate], struck: Sequence[Struck]) -> Counter[str]:
    """How many for each kind of fault."""
    return Counter("no fault" if one.fault == NO_FAULT else str(struck[one.fault].fault.kind) for one in found)


def lags(acknowledged: Sequence[Acknowledged], arrivals: Arrivals) -> Iterator[tuple[float, float]]:
    """(due, seconds until the first arrival or infinity) of the events for endpoints that never fail."""
    for one in acknowledged:
        if never_fails(one.endpoint):
            those = arrivals.get(one.event_id)
            yield one.due, those[0].at - one.due if those else inf


def p99(values: Sequence[float]) -> float:
    """Nearest rank; 0 of nothing."""
    return sorted(values)[ceil(0.99 * len(values)) - 1] if values else 0.0


def recovery(found: Sequence[tuple[float, float]], after: float, until: float) -> float:
    """Seconds from `after` until every later second's p99 is normal, looked at until `until`; inf if the last is not."""
    seconds: defaultdict[int, list[float]] = defaultdict(list)
    for due, lag in found:
        if after <= due < after + floor(until - after):  # whole seconds: a piece of one is too few for a p99
            seconds[floor(due - after)].append(lag)
    bad = [second for second, those in seconds.items() if p99(those) >= NORMAL_SECONDS]
    if not seconds or (bad and max(bad) == max(seconds)):
        return inf
    return float(max(bad) + 1) if bad else 0.0


def backlog(acknowledged: Sequence[Acknowledged], arrivals: Arrivals, after: float) -> float:
    """Seconds from `after` until all that was due before, for endpoints that never fail, was answered 200; inf if not."""
    answered = [
        min((arrival.at for arrival in arrivals.get(one.event_id, ()) if arrival.status == OK), default=inf)
        for one in acknowledged
        if one.due < after and never_fails(one.endpoint)
    ]
    return max(0.0, max(answered, default=after) - after)


def retry_lateness(arrivals: Arrivals, struck: Sequence[Struck], latest: float) -> list[float]:
    """Seconds after the end of the schedule's window (`latest` after a failure) at which a retry came, not below 0;
    only of those retries that no fault lay near."""
    began, ended = _troubled(struck)
    late = []
    for those in arrivals.values():
        for before, after in pairwise(those):
            last = bisect_right(began, after.at) - 1
            calm = last < 0 or ended[last] < before.at
            if before.status != OK and calm:
                late.append(max(0.0, after.at - before.at - latest))
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
