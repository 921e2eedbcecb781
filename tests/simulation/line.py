"""The recorder of a simulated pod, in a few lines, since the real one waits on asyncio: what it asks of the tables, and in
which order, is the real one's. So is that a group is repeated until it is committed, and let go of only then.
"""

from collections.abc import Callable

from chassis.database import AWAY_ERRORS
from delivery_svc.delivery import Settled
from tests.simulation.database import Database
from tests.simulation.world import Life, World


class Line:
    """What waits to be told of. `recorded` hears of every group that is committed."""

    def __init__(
        self,
        world: World,
        database: Database,
        life: Life,
        recorded: Callable[[list[Settled]], None],
        unknown_outcome: Callable[[], None],
    ) -> None:
        self._world, self._database, self._life = world, database, life
        self._recorded = recorded
        self._unknown_outcome = unknown_outcome
        self._waiting: list[Settled] = []
        self._writing = 0  # so many of them are on their way to Postgres
        self._running = False

    @property
    def idle(self) -> bool:
        """Whether all is committed."""
        return not self._waiting

    def told_next(self, epoch: int) -> set[int]:
        """Deliveries under the epoch that are not yet on their way."""
        return {one.delivery.id for one in self._waiting[self._writing :] if one.delivery.epoch == epoch}

    def add(self, settled: Settled) -> None:
        """Takes one."""
        self._waiting.append(settled)
        if not self._running:
            self._running = True
            self._world.spawn(self._life, self._flush)

    async def _flush(self) -> None:
        while self._waiting:
            group = self._waiting[:8]
            self._writing = len(group)
            pause = 0.05
            while True:
                try:
                    await self.write(group)
                    break
                except AWAY_ERRORS:
                    await self._world.sleep(pause)
                    pause = min(2.0, 2 * pause)
            del self._waiting[: len(group)]
            self._writing = 0
            self._world.tell("recorded", *(settled.delivery.id for settled in group))
            self._recorded(group)
        self._running = False

    async def write(self, group: list[Settled]) -> None:
        """A statement for each kind, as in Recorder._write."""
        tables, run = self._database.tables, self._database.run
        attempted = [settled for settled in group if settled.attempt is not None]
        parked = [settled for settled in group if settled.attempt is None and settled.parked]
        free = [settled for settled in group if settled.attempt is None and not settled.parked]
        if attempted:
            await run(self._life, lambda: tables.record(attempted))
        try:
            if parked:
                await run(self._life, lambda: tables.let_go(parked, parked=True))
            if free:
                await run(self._life, lambda: tables.let_go(free, parked=False))
        except AWAY_ERRORS:
            self._unknown_outcome()
