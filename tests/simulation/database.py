"""Statements and transactions on their way: they take time, are refused while Postgres is away, and may end with nobody knowing
how.

What has an unknown outcome was carried out before its client was told of the break, or never, or (the worst) a while after
it.
"""

from collections.abc import Callable
from copy import copy
from typing import Any

from tests.simulation.rows import Row
from tests.simulation.tables import Tables
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


class Transaction:
    """Its statements are all carried out in the moment in which it begins; what may go wrong goes wrong before or after it."""

    def __init__(self, world: World, database: Database, life: Life) -> None:
        self._world, self._database, self._life = world, database, life
        self._unknown = self._late = False
        self._before: dict[int, Row] = {}

    async def __aenter__(self) -> None:
        database, random = self._database, self._world.random.random
        self._unknown = not database.away and random() < database.unknown
        fate = random() if self._unknown else 0.0
        if fate >= 0.7:
            self._world.tell("transaction never came")
            raise await self._trip(ConnectionResetError())
        await self._trip()
        if database.away:
            raise ConnectionRefusedError()
        self._late = fate >= 0.5
        if self._late:
            self._before = {one: copy(row) for one, row in database.tables.queue.items()}

    async def __aexit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: object) -> None:
        if fault is not None:
            return
        if self._late:
            self._take_back()
        await self._trip()
        if self._unknown:
            self._world.tell("transaction's outcome is unknown")
            raise ConnectionResetError()

    async def _trip(self, error: OSError | None = None) -> OSError:
        await self._world.sleep(self._database.slow * self._world.random.random())
        return error or OSError()

    def _take_back(self) -> None:
        """The commit is still on its way: its rows are as before, and change when it is there, if nobody was faster."""
        tables, queue = self._database.tables, self._database.tables.queue
        after = {one: copy(row) for one, row in queue.items() if row != self._before.get(one)}
        if not after.keys() <= self._before.keys():
            return  # rows that are new: nobody else knows them, so that now and later are one
        before = {one: self._before[one] for one in after}
        queue.update({one: copy(row) for one, row in before.items()})

        def commit() -> None:
            if all(queue.get(one) == row for one, row in before.items()):
                queue.update(after)
                return
            for lane in {row.subscription_id for row in before.values() if row.parked}:
                tables.lanes.touch(lane)  # it is undone, and with it that nothing is parked there

        self._world.at(1.0 + 3 * self._world.random.random(), None, commit)
