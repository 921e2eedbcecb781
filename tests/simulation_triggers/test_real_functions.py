"""The model and the SQL are one: random histories are played on both, and stay the same in answers and tables.

A failure names its seed. `TRIGGER_SEED=<seed> pytest -n 0 -s tests/simulation_triggers` plays that history alone and tells it.
"""

import os
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.simulation_triggers import state
from tests.simulation_triggers.history import History, Step
from tests.simulation_triggers.postgres import Real, simulated
from tests.support.postgres import Database

HISTORIES = 100
CASES = 4
#: A history takes long to come to rest; the model alone does that for all.
MOST_STEPS = 90
#: After these the tables are compared every so many times alone: a difference stays.
MAKES_NO_ROW = ("acquire", "start", "heartbeat")
RUN_STEPS_APART = 3
OF_WINDOWS = ("receive", "close_expired", "close_window", "edit", "enable")
ONE_SEED = os.environ.get("TRIGGER_SEED")


@pytest.fixture
async def connection(database: Database) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    made = await simulated(database)
    yield made
    await made.close()


@pytest.mark.parametrize("case", range(CASES))
async def test_the_functions_of_the_database_do_what_the_model_does(
    connection: "asyncpg.Connection[asyncpg.Record]", case: int
) -> None:
    seeds = range(case * HISTORIES // CASES, (case + 1) * HISTORIES // CASES)
    for seed in seeds if ONE_SEED is None else [int(ONE_SEED)]:
        found = await first_difference(connection, seed)
        assert not found, f"TRIGGER_SEED={seed}: {found}"


async def first_difference(connection: "asyncpg.Connection[asyncpg.Record]", seed: int) -> str:
    """Plays a history on both, in a transaction that is undone; what differed first, empty if nothing did."""
    history, real = History(seed), Real(connection)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await real.people(history.model.tables)
        for number, step in enumerate(history.steps()):
            if ONE_SEED is not None:
                print(step)
            await real.set_clock(step.now)
            found = await _differs(history, real, step, whole=number % RUN_STEPS_APART == 0)
            if found or number == MOST_STEPS:
                break
        return f"{step}: {found}" if found else await _all_differ(history, real)
    finally:
        await transaction.rollback()


async def _differs(history: History, real: Real, step: Step, *, whole: bool) -> str:
    arguments = (*step.arguments, history.model.tables) if step.what == "receive" else step.arguments
    answer = await getattr(real, step.what)(*arguments)
    if _shown(answer) != _shown(history.answer):
        return f"the model answers {history.answer}, Postgres {answer}"
    if step.what in MAKES_NO_ROW and not whole:
        return ""
    touched = state.COLUMNS if step.what in OF_WINDOWS else state.OF_EXECUTIONS
    return state.differences(state.of_model(history.model.tables, touched), await real.tables.read(touched))


async def _all_differ(history: History, real: Real) -> str:
    ours = state.of_model(history.model.tables, state.COLUMNS)
    return state.differences(ours, await real.tables.read(state.COLUMNS))


def _shown(answer: Any) -> Any:
    """Lists in no order; of a window that was opened nothing but its time, of one that was thrown away nothing."""
    if not isinstance(answer, list):
        return answer
    shown = [("OPENED", one[-1]) if one[0] == "OPENED" else one for one in answer if one[0] != "DISCARDED"]
    return sorted(shown, key=repr)
