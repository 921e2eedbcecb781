"""The surveyor: looks on an interval at what moves too often to be counted as it moves: in this pod's hands, in the tables."""

import asyncpg

from delivery_svc import metrics
from delivery_svc.dispatcher import Dispatcher
from delivery_svc.intake import Intake
from delivery_svc.sending.sender import Sender
from delivery_svc.store import census


class Surveyor:
    """Two ticks: `look` at what this pod holds, `count` what is in the tables, the same in every pod."""

    def __init__(self, pool: asyncpg.Pool, dispatcher: Dispatcher, intake: Intake, sender: Sender) -> None:
        self._pool = pool
        self._dispatcher = dispatcher
        self._intake = intake
        self._sender = sender
        self._dialed = self._reused = 0

    async def look(self) -> None:
        """Takes no I/O."""
        metrics.IN_FLIGHT.set(self._dispatcher.in_flight)
        metrics.HELD.set(len(self._dispatcher.held))
        metrics.WAITING.set(self._dispatcher.waiting)
        metrics.BACKLOG.set(1 if self._intake.backlog else 0)
        sender = self._sender
        metrics.CONNECTIONS.set(sender.open_connections)
        metrics.IDLE_CONNECTIONS.set(sender.idle_connections)
        metrics.DIALED.inc(sender.dialed - self._dialed)
        metrics.REUSED.inc(sender.reused - self._reused)
        self._dialed, self._reused = sender.dialed, sender.reused

    async def count(self) -> None:
        """One statement."""
        found = await census.count(self._pool)
        metrics.DUE.set(found.due)
        metrics.OLDEST_DUE_AGE.set(found.oldest_due_age)
        metrics.SCHEDULED.set(found.scheduled)
        metrics.PARKED_ROWS.set(found.parked_rows)
        metrics.PARKED_LANES.set(found.parked_lanes)
        metrics.BREAKERS_CLOSED.set(found.breakers_closed)
        metrics.BREAKERS_OPEN.set(found.breakers_open)
        metrics.BREAKERS_HALF_OPEN.set(found.breakers_half_open)
        metrics.RECOVERIES.set(found.recoveries)
        metrics.ERASURES.set(found.erasures)
