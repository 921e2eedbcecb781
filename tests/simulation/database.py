"""Statements on their way: they take time, are refused while Postgres is away, and may end with nobody knowing how.

A statement whose outcome is unknown was carried out before its client was told of the break, or never, or (the worst) a
while after it.
"""

from collections.abc import Callable
from typing import Any, cast

import asyncpg

from delivery_svc.store import pod, queue
from tests.simulation.tables import Tables, moment
from tests.simulation.world import Answer, Life, Wait, World


class Database:
    """`away` refuses, `slow` is the longest that one way takes, `unknown` the chance that an outcome is."""

    def __init__(self, world: World, tables: Tables, unknown: float) -> None:
        self._world = world
        self.tables = tables
        self.away = False
        self.slow = 0.01
        self.unknown = unknown
        self.late = False  # what is carried out now, its client takes for lost

    def run(self, life: Life, effect: Callable[[], Any]) -> Wait:
        """A statement: awaited, it answers what `effect` answered, or raises ConnectionError."""
        return Wait(lambda answer: self._begin(life, effect, answer))

    def _begin(self, life: Life, effect: Callable[[], Any], answer: Answer) -> None:
        world, random = self._world, self._world.random.random
        there, back = self.slow * random(), self.slow * random()
        if self.away:
            world.at(0.01, life, lambda: answer(None, ConnectionRefusedError()))
        elif random() < self.unknown:
            world.tell("statement's outcome is unknown")
            world.at(there + back, life, lambda: answer(None, ConnectionResetError()))
            fate = random()
            if fate < 0.5:
                world.at(there, None, lambda: self._carry_out(effect, late=False))
            elif fate < 0.7:
                world.at(there + back + 3 * random(), None, lambda: self._carry_out(effect, late=True))
        else:
            world.at(there, None, lambda: self._arrive(life, effect, answer, back))

    def _arrive(self, life: Life, effect: Callable[[], Any], answer: Answer, back: float) -> None:
        if self.away:
            self._world.at(back, life, lambda: answer(None, ConnectionResetError()))
            return
        result = effect()
        self._world.at(back, life, lambda: answer(result, None))

    def _carry_out(self, effect: Callable[[], Any], *, late: bool) -> None:
        if not self.away:
            self.late = late
            effect()
            self.late = False


class PodPool:
    """What a pod's beater and rescuer take for their connection pool."""

    def __init__(self, database: Database, life: Life) -> None:
        tables = database.tables
        self._database = database
        self._life = life
        self._meaning: dict[str, Callable[..., Any]] = {
            pod.JOIN: lambda name: [{"epoch": tables.join(name), "now": moment(tables.now())}],
            pod.BURY_NAMESAKES: tables.bury_namesakes,
            pod.BEAT: tables.beat,
            pod.LIVING: tables.living,
            pod.DECLARE_DEAD: tables.declare_dead,
            pod.ANY_DEAD: tables.any_dead,
            pod.PRUNE: tables.prune,
            queue.RESCUE: lambda: f"UPDATE {tables.rescue()}",
            queue.COUNT_DUE: lambda: [{"due": 0, "oldest_age": 0.0}],
        }

    def fetch(self, statement: str, *values: Any) -> Wait:
        """Any of them, by its text."""
        meaning = self._meaning[statement]
        return self._database.run(self._life, lambda: meaning(*values))

    fetchval = execute = fetch


def pod_pool(database: Database, life: Life) -> asyncpg.Pool:
    """The same, as the product's rooms name it."""
    return cast(asyncpg.Pool, PodPool(database, life))
