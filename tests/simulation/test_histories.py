"""Thousands of random histories of the delivery engine's rules, by seed: whatever dies, stops, jumps or is away, all ends well.

As many as it takes to find each rule that test_broken_rules.py breaks, and half as many again; whoever works on the engine
asks for more of them with SIMULATION_HISTORIES=20000.

A failure names its seed. `SIMULATION_SEED=<seed> pytest -n 0 -s tests/simulation/test_histories.py` runs that history alone and
tells it line by line.
"""

import os
from collections import Counter

import pytest

from delivery_svc import claimer
from tests.simulation.history import History

HISTORIES = int(os.environ.get("SIMULATION_HISTORIES", 4_000))
CASES = 8
ONE_SEED = os.environ.get("SIMULATION_SEED")


@pytest.mark.skipif(ONE_SEED is not None, reason="SIMULATION_SEED asks for one history")
@pytest.mark.parametrize("case", range(CASES))
def test_every_delivery_ends_and_only_a_loss_sends_it_twice(case: int) -> None:
    duplicates: Counter[str] = Counter()
    for seed in range(case * HISTORIES // CASES, (case + 1) * HISTORIES // CASES):
        history = History(seed)
        try:
            history.run()
        except Exception as error:
            pytest.fail(f"SIMULATION_SEED={seed}: {type(error).__name__}: {error}")
        duplicates += history.oracle.duplicates
    print("duplicates by cause:", dict(duplicates))
    assert duplicates["death"] > 0, "no history was hard enough to say anything"


def test_small_claims_that_go_on_where_the_last_one_ended_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claimer, "LARGEST_CLAIM", 2)
    monkeypatch.setattr(claimer, "MOST_IN_A_WALK", 8)
    for seed in range(400):
        History(seed).run()


@pytest.mark.skipif(ONE_SEED is None, reason="SIMULATION_SEED is not set")
def test_the_history_of_one_seed() -> None:
    print()
    history = History(int(ONE_SEED or 0), trace=print)
    history.run()
    print("duplicates by cause:", dict(history.oracle.duplicates))


def test_one_seed_is_one_history() -> None:
    first: list[str] = []
    second: list[str] = []
    History(7, trace=first.append).run()
    History(7, trace=second.append).run()
    assert first == second
    assert len(first) > 20
