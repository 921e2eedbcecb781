"""The step rule: every row of the table in the docs, and what must hold of all executions of all plans."""

import itertools
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_svc.plan import Move, Progress, ended, moved, next_move, timed_out

PAGE = Path(__file__).parents[3] / "docs" / "plans.md"
WORDS: dict[str, dict[str, set[Any]]] = {
    "unfinished": {"some": {2}, "none": {0}},
    "failed": {"yes": {True}, "no": {False}},
    "last": {"yes": {True}, "no": {False}},
    "there": {"yes": {True}, "no": {False}},
    "handler": {"none": {(False, False)}, "waits": {(True, False)}, "was started": {(True, True)}},
}
ANY: dict[str, set[Any]] = {name: set().union(*meanings.values()) for name, meanings in WORDS.items()}


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def cases(row: list[str]) -> list[tuple[Any, ...]]:
    """All that a row of the table is about."""
    columns = [ANY[name] if word == "any" else WORDS[name][word] for name, word in zip(WORDS, row, strict=False)]
    return list(itertools.product(*columns))


def progress(unfinished: int, failed: bool, last: bool, there: bool, handler: tuple[bool, bool]) -> Progress:
    return Progress(
        steps=3,
        step=3 if last else 2,
        unfinished=unfinished,
        failed=failed,
        handling=handler[1],
        has_handler=handler[0],
        next_is_there=there,
    )


@pytest.mark.parametrize("row", rows(), ids=lambda row: ", ".join(row))
def test_the_rule_is_the_table_of_the_docs(row: list[str]) -> None:
    assert {next_move(progress(*case)) for case in cases(row)} == {Move(row[-1])}


def test_the_table_leaves_nothing_out_and_says_nothing_twice() -> None:
    said = [case for row in rows() for case in cases(row)]
    assert len(said) == len(set(said))
    # A handler is started only after a failure.
    unsaid = set(itertools.product(*ANY.values())) - set(said)
    assert all(not case[1] and case[4] == (True, True) for case in unsaid)


@given(
    steps=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    has_handler=st.booleans(),
    chance=st.randoms(use_true_random=False),
)
def test_every_execution_ends_and_its_handler_runs_once_after_a_failure(
    steps: list[int], has_handler: bool, chance: random.Random
) -> None:
    at = Progress(steps=len(steps), step=1, unfinished=steps[0], has_handler=has_handler)
    failures, handlers, started = 0, 0, [1]
    while (move := next_move(at)) not in (Move.SUCCEED, Move.FAIL):
        if move is Move.WAIT:
            fate = chance.random()
            failures += fate < 0.2
            before = at
            at = timed_out(at) if fate < 0.05 else ended(at, succeeded=fate >= 0.2)
            if fate < 0.05 and before.handling:
                at = ended(at, succeeded=False)
            continue
        if move is Move.STEP:
            assert failures == 0
            started.append(at.step + 1)
        handlers += move is Move.HANDLER
        at = moved(at, move, runs=steps[at.step] if move is Move.STEP else 1)
    assert (move is Move.SUCCEED) == (failures == 0)
    assert handlers == (has_handler and failures > 0)
    assert started == list(range(1, len(started) + 1))
    assert failures or len(started) == len(steps)
