"""A plan of faults: repeatable, whole, and never two faults on one target at a time."""

from itertools import pairwise

import pytest

from chassis.fault_points import OF_DELIVERY, OF_RUNNER, OF_TRIGGERS, parse
from tests.chaos.plan import HABITS, INBOUND_HABITS, Kind, TooManyFaults, plan


def test_a_seed_repeats_its_plan() -> None:
    assert plan(7, 30, 90) == plan(7, 30, 90)
    assert plan(7, 30, 90) != plan(8, 30, 90)


@pytest.mark.parametrize("seed", range(20))
def test_thirty_faults_fit_into_ninety_seconds_with_every_kind_among_them(seed: int) -> None:
    faults = plan(seed, 30, 90)
    assert len(faults) == 30
    assert {fault.kind for fault in faults} == set(HABITS)
    assert all(fault.at >= 0 and fault.until <= 90 for fault in faults)
    for target in {fault.target for fault in faults}:
        of_target = [fault for fault in faults if fault.target == target]
        assert all(before.until < after.at for before, after in pairwise(of_target))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(TooManyFaults):
        plan(1, 500, 20)


def test_a_thousand_faults_fit_into_half_an_hour() -> None:
    assert len(plan(1, 1000, 1800)) == 1000


def test_an_inbound_plan_arms_what_its_target_can_reach() -> None:
    faults = plan(1, 200, 900, INBOUND_HABITS)
    armed = {(fault.target.partition("-")[0], fault.armed.split(":")[0]) for fault in faults if fault.armed}
    assert armed == {("trigger", one) for one in OF_TRIGGERS} | {("runner", one) for one in OF_RUNNER}
    assert all(parse(fault.armed) for fault in faults if fault.armed)


def test_a_fault_point_is_drawn_with_what_happens_there() -> None:
    armed = [fault.armed for fault in plan(1, 200, 600) if fault.kind is Kind.POINT]
    assert len({one.split(":")[0] for one in armed}) == len(OF_DELIVERY)
    assert all(parse(one) for one in armed)
