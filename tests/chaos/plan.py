"""Which fault strikes whom and when. Invariant: the same seed and options give the same plan; one fault at a time a target.

Faults on different targets overlap as they happen to.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from chassis.fault_points import OF_DELIVERY, OF_RUNNER, OF_TRIGGERS, Action

PODS = ("delivery-1", "delivery-2")
SUBSCRIPTIONS = "subscription"
POSTGRES = "postgres"
RECEIVER = "receiver"
SCHEMA = "schema"
_MOST_COUNTDOWN = 10
_TRIES = 2000
_PLANS = 50


# Of a run with --triggers.
TRIGGER_PODS = ("trigger-1", "trigger-2")
GATEWAYS = ("gateway-1", "gateway-2")
RUNNERS = ("runner-1", "runner-2")


class Kind(StrEnum):
    """What is done to a target."""

    KILL_POD = "pod killed"
    STOP_POD = "pod stopped"
    DRAIN_POD = "pod drained"
    POINT = "pod at a fault point"
    KILL_SUBSCRIPTIONS = "subscription_svc killed"
    KILL_POSTGRES = "postgres killed"
    STOP_POSTGRES = "postgres stopped"
    REFUSE = "database refuses"
    KILL_RECEIVER = "receiver gone"
    UPGRADE = "schema upgraded"


@dataclass(frozen=True, kw_only=True)
class Habit:
    """Of a kind: whom it strikes, how often it is drawn, seconds until it is undone, and until the target stands again."""

    targets: tuple[str, ...]
    weight: int
    lasts: float
    recovers: float


HABITS = {
    Kind.KILL_POD: Habit(targets=PODS, weight=14, lasts=0.3, recovers=2.5),
    Kind.STOP_POD: Habit(targets=PODS, weight=1, lasts=15.0, recovers=2.0),
    Kind.DRAIN_POD: Habit(targets=PODS, weight=2, lasts=0.3, recovers=4.0),
    Kind.POINT: Habit(targets=PODS, weight=5, lasts=0.3, recovers=6.0),
    Kind.KILL_SUBSCRIPTIONS: Habit(targets=(SUBSCRIPTIONS,), weight=12, lasts=0.3, recovers=2.5),
    Kind.KILL_POSTGRES: Habit(targets=(POSTGRES,), weight=4, lasts=0.3, recovers=5.0),
    Kind.STOP_POSTGRES: Habit(targets=(POSTGRES,), weight=1, lasts=5.0, recovers=3.0),
    Kind.REFUSE: Habit(targets=(POSTGRES,), weight=3, lasts=2.0, recovers=3.0),
    Kind.KILL_RECEIVER: Habit(targets=(RECEIVER,), weight=1, lasts=10.0, recovers=0.5),
    Kind.UPGRADE: Habit(targets=(SCHEMA,), weight=1, lasts=0.0, recovers=1.0),
}


_INBOUND = (*TRIGGER_PODS, *GATEWAYS, *RUNNERS)
#: Of a run with --triggers.
INBOUND_HABITS = {
    Kind.KILL_POD: Habit(targets=_INBOUND, weight=14, lasts=0.3, recovers=2.5),
    Kind.STOP_POD: Habit(targets=TRIGGER_PODS, weight=2, lasts=5.0, recovers=2.0),
    Kind.DRAIN_POD: Habit(targets=_INBOUND, weight=3, lasts=0.3, recovers=4.0),
    Kind.POINT: Habit(targets=(*TRIGGER_PODS, *RUNNERS), weight=14, lasts=0.3, recovers=6.0),
    Kind.KILL_POSTGRES: Habit(targets=(POSTGRES,), weight=3, lasts=0.3, recovers=5.0),
    Kind.STOP_POSTGRES: Habit(targets=(POSTGRES,), weight=1, lasts=3.0, recovers=3.0),
    Kind.REFUSE: Habit(targets=(POSTGRES,), weight=2, lasts=2.0, recovers=3.0),
}


class TooManyFaults(Exception):
    """So many faults do not fit into so few seconds."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault: `at` seconds after the load began, undone `lasts` seconds later, target whole by `until`. `armed` is the
    fault point and its action, as a setting."""

    at: float
    kind: Kind
    target: str
    lasts: float
    until: float
    armed: str = ""


def plan(seed: int, count: int, seconds: float, habits: Mapping[Kind, Habit] = HABITS) -> list[Fault]:
    """`count` faults within `seconds`, of every kind that fits at least one, in the order of time. Raises TooManyFaults."""
    rng = random.Random(seed)
    for _ in range(_PLANS):
        placed = _place(rng, _kinds(rng, count, seconds, habits), seconds, habits)
        if placed is not None:
            return sorted(placed, key=lambda fault: fault.at)
    raise TooManyFaults(f"{count} faults do not fit into {seconds:g} s")


def _kinds(rng: random.Random, count: int, seconds: float, habits: Mapping[Kind, Habit]) -> list[Kind]:
    fitting = [kind for kind, habit in habits.items() if habit.lasts + habit.recovers < seconds]
    drawn = rng.choices(fitting, [habits[kind].weight for kind in fitting], k=max(0, count - len(fitting)))
    kinds = [*rng.sample(fitting, len(fitting)), *drawn][:count]
    return sorted(kinds, key=lambda kind: -habits[kind].lasts)  # what is long finds its place first


def _place(
    rng: random.Random, kinds: Sequence[Kind], seconds: float, habits: Mapping[Kind, Habit]
) -> list[Fault] | None:
    placed: list[Fault] = []
    for kind in kinds:
        habit = habits[kind]
        for _ in range(_TRIES):
            at = rng.uniform(0, seconds - habit.lasts - habit.recovers)
            until = at + habit.lasts + habit.recovers
            target = rng.choice(habit.targets)
            if all(other.target != target or other.until < at or until < other.at for other in placed):
                armed = _armed(rng, target) if kind is Kind.POINT else ""
                placed.append(Fault(at=at, kind=kind, target=target, lasts=habit.lasts, until=until, armed=armed))
                break
        else:
            return None
    return placed


def _armed(rng: random.Random, target: str) -> str:
    if target in RUNNERS:  # it has no connection to lose, and few runs
        return f"{rng.choice(OF_RUNNER)}:{rng.choice((Action.DIE, Action.PAUSE))}:{rng.randint(1, 3)}"
    points = OF_TRIGGERS if target in TRIGGER_PODS else OF_DELIVERY
    return f"{rng.choice(points)}:{rng.choice(list(Action))}:{rng.randint(1, _MOST_COUNTDOWN)}"
