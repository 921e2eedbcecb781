"""What the product's statements mean in the simulated tables, by their text; and the pool that a pod sends them through."""

from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, Self, cast

import asyncpg

from delivery_svc.store import lane, pod, queue, recovery
from tests.simulation.database import Database, Transaction
from tests.simulation.rows import Row, account_of
from tests.simulation.tables import Tables, moment
from tests.simulation.world import Life, Wait, World

Meaning = Callable[..., Any]


class Columns(dict[str, Any]):
    """A row as the driver gives it; a column that means nothing here is null."""

    def __missing__(self, column: str) -> None:
        return None


def columns(row: Row) -> Columns:
    """What a claim tells of a row."""
    return Columns(
        id=row.id,
        subscription_id=row.subscription_id,
        attempts=row.attempts,
        redelivery=row.redelivery,
        due_at=row.due_at,
        version=1,
        webhook_name="",
        published_us=int(row.published_at * 1_000_000),
        account_id=account_of(row.subscription_id),
        event_id="wev_simulated",
        data=b"{}",
    )


class PodPool:
    """What a pod's rooms take for their connection pool."""

    def __init__(self, world: World, database: Database, life: Life) -> None:
        self._world, self._database, self._life = world, database, life
        self._meaning = meanings(database.tables)

    def fetch(self, statement: str, *values: Any) -> Wait:
        """Any of them, by its text."""
        meaning = self._meaning[statement]
        return self._database.run(self._life, lambda: meaning(*values))

    fetchval = fetchrow = execute = fetch

    def acquire(self) -> "_Connection":
        """For a transaction."""
        return _Connection(Transaction(self._world, self._database, self._life), self._meaning)


class _Now:
    """An answer that is there at once."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, Any, Any]:
        yield from ()
        return self._value


class _Connection:
    def __init__(self, transaction: Transaction, meaning: dict[str, Meaning]) -> None:
        self._transaction = transaction
        self._meaning = meaning

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to give back."""

    def transaction(self) -> Transaction:
        return self._transaction

    def fetch(self, statement: str, *values: Any) -> _Now:
        return _Now(self._meaning[statement](*values))

    fetchval = fetchrow = execute = fetch


def pod_pool(world: World, database: Database, life: Life) -> asyncpg.Pool:
    """The same, as the product's rooms name it."""
    return cast(asyncpg.Pool, PodPool(world, database, life))


def meanings(tables: Tables) -> dict[str, Meaning]:
    """All that the rooms of a simulated pod send."""
    again, lanes = tables.again, tables.lanes
    return {
        pod.JOIN: lambda name: [{"epoch": tables.join(name), "now": moment(tables.now())}],
        pod.BURY_NAMESAKES: lambda name, before: tables.bury_namesakes(name, before),
        pod.BEAT: lambda epoch: tables.beat(epoch),
        pod.LIVING: lambda: tables.living(),
        pod.DECLARE_DEAD: lambda epoch, seen: tables.declare_dead(epoch, seen),
        pod.ANY_DEAD: lambda: tables.any_dead(),
        pod.PRUNE: lambda seconds: tables.prune(seconds),
        pod.LEAVE: lambda epoch: tables.leave(epoch),
        pod.BURY: lambda epoch: tables.bury(epoch),
        queue.RESCUE: lambda: f"UPDATE {tables.rescue()}",
        queue.RECONCILE: lambda epoch, held: f"UPDATE {tables.reconcile(epoch, frozenset(held))}",
        queue.CLAIM: lambda epoch, limit, since: [columns(row) for row in tables.claim(epoch, limit, since)],
        lane.OPEN_AMONG: lambda among: lanes.open_among(among),
        lane.DUE_LANES: lambda full, limit: lanes.due(full, limit),
        lane.DRAW: lambda epoch, among, rooms, limit: [columns(row) for row in tables.draw(epoch, among, rooms, limit)],
        lane.SET_NEXT_DUE: lambda among, probed, seconds: tables.set_next_due(among, probed, seconds),
        lane.NOTE_HEALTH: lambda *values: tables.note_health(
            *values[:7], failures=values[7], shortest=values[8], longest=values[9]
        ),
        recovery.NEXT: lambda last, most: again.next(last, most),
        recovery.MOVE: lambda *span: again.move(*span),
        recovery.ADVANCE: lambda *values: again.advance(*values),
    }
