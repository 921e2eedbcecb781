"""The claimer: takes what is free and due, and draws from lanes that have parked rows and room. Any pod does it.

Nothing here is needed for an event's first attempt while there is room: it is for retries, overflow, parked rows, and what
other pods left behind.

Of a lane whose breaker is open nothing is drawn until its time is over, and then its probes; what a claim brings of it is
parked. Probes are a few rows at once: one failure says little of an endpoint that fails now and then.

A claim of a backlog goes on where the one before ended. What was claimed leaves dead entries in the index, which stay as long
as somebody holds an old snapshot, and every claim from the beginning would walk over all of them. Rows that come to lie before
that place (a dead pod's, say) are found by the next claim from the beginning, which is never far: neither in rows nor, where
endpoints are slow, in seconds.
"""

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import cast

import asyncpg

from chassis import fault_points
from chassis.database import AWAY_ERRORS
from delivery_svc.breaker import PROBES
from delivery_svc.dispatcher import Dispatcher
from delivery_svc.intake import Intake
from delivery_svc.store import lane, queue

LARGEST_CLAIM = 500
MOST_LANES = 100
# Until a claim begins at the beginning again: rows claimed, and the time.
MOST_IN_A_WALK = 50_000
LONGEST_WALK_SECONDS = 5.0
SHORTEST_SHUT_SECONDS = 1.0  # of a lane that waits for its probe


class Claimer:
    """`tick` claims once and draws once. It says that there is more when a claim came back full. `probe_seconds` is when a
    probe must long have been recorded, unless its pod is gone."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        dispatcher: Dispatcher,
        intake: Intake,
        may_send: Callable[[], bool],
        unknown_outcome: Callable[[], None],
        probe_seconds: float,
    ) -> None:
        self._pool = pool
        self._dispatcher = dispatcher
        self._intake = intake
        self._may_send = may_send
        self._unknown_outcome = unknown_outcome
        self._probe_seconds = probe_seconds
        self._since: datetime | None = None
        self._walked = 0
        self._walk_began = float("-inf")
        self._look = fault_points.around(self._look_at_breakers, before=fault_points.AFTER_CLAIM_BEFORE_DISPATCH)

    async def tick(self) -> bool:
        """Whether to come again at once."""
        if not self._may_send() or self._dispatcher.room == 0:
            return False
        try:
            full = await self._claim()
            await self._draw()
        except AWAY_ERRORS:
            self._unknown_outcome()
            raise
        return full and self._dispatcher.room > 0

    async def _claim(self) -> bool:
        room = self._intake.reserve_claim()
        limit = min(room.total, LARGEST_CLAIM)
        since, self._since = self._since, None
        if since is None:
            self._walked, self._walk_began = 0, time.monotonic()
        try:
            rows = await queue.claim(self._pool, room.epoch, limit, since) if limit else []
            if rows:
                await self._look({row["subscription_id"] for row in rows})
        finally:
            self._intake.unreserve(room)
        full = limit > 0 and len(rows) == limit
        more = full or since is not None
        if limit:
            self._intake.backlog = more
            self._go_on(rows if full else [])
        self._intake.claimed(rows, room)
        return more

    def _go_on(self, rows: list[asyncpg.Record]) -> None:
        """The next claim begins at the last of these; at the beginning when there are none, or the walk was long enough."""
        self._walked += len(rows)
        walked = time.monotonic() - self._walk_began
        if rows and self._walked < MOST_IN_A_WALK and walked < LONGEST_WALK_SECONDS:
            self._since = rows[-1]["due_at"]

    async def _look_at_breakers(self, lanes: set[int]) -> None:
        seconds = await lane.open_among(self._pool, lanes)
        self._dispatcher.reopen_lanes(lanes - seconds.keys())
        self._dispatcher.shut_lanes({one: max(SHORTEST_SHUT_SECONDS, left) for one, left in seconds.items()})

    async def _draw(self) -> None:
        """Says nothing of more: a lane that has some asks for itself when it has room again."""
        room = self._intake.reserve_claim()
        try:
            rows, more = await self._draw_lanes(room.epoch, room.lane, room.lanes, room.total)
        finally:
            self._intake.unreserve(room)
        self._intake.drawn(rows, room)
        self._dispatcher.mark_thirsty(more)

    async def _draw_lanes(
        self, epoch: int, lane_room: int, rooms: dict[int, int], limit: int
    ) -> tuple[list[asyncpg.Record], list[int]]:
        """Rows drawn, and the lanes that have more."""
        if limit == 0:
            return [], []
        full = [subscription_id for subscription_id, room in rooms.items() if room == 0]
        async with self._pool.acquire() as acquired, acquired.transaction():
            connection = cast(asyncpg.Connection, acquired)
            lanes = await lane.due_lanes(connection, full, MOST_LANES)
            if not lanes:
                return [], []
            rooms = {one: rooms.get(one, lane_room) for one in lanes}
            places = {one: min(room, PROBES) if lanes[one] else room for one, room in rooms.items()}
            rows = await lane.draw(connection, epoch, places, limit)
            probed = Counter(row["subscription_id"] for row in rows if lanes[row["subscription_id"]])
            next_due = await lane.set_next_due(connection, list(lanes), list(probed), self._probe_seconds)
        self._dispatcher.reopen_lanes(one for one, half_open in lanes.items() if not half_open)
        self._dispatcher.probe_lanes(probed, self._probe_seconds)
        return rows, [one for one, due_at in next_due.items() if due_at is not None and not lanes[one]]
