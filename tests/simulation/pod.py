"""A pod of the simulation: the product's dispatcher, lanes, intake, beater, rescuer and judge of attempts, wired as in engine.

Claimer, recorder and reconciler stand here in a few lines each, since the real ones wait on asyncio; what they ask of the
tables, and in which order, is theirs.
"""

from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import asyncpg

from chassis.clock import DatabaseClock
from chassis.database import AWAY_ERRORS
from delivery_svc.beater import Beater
from delivery_svc.courier import Courier
from delivery_svc.delivery import Delivery, Profile, Settled
from delivery_svc.dispatcher import Dispatcher
from delivery_svc.event import Event
from delivery_svc.intake import Intake
from delivery_svc.profiles import Profiles
from delivery_svc.rescuer import Rescuer
from delivery_svc.retry import RetryPolicy
from delivery_svc.sending.exchange import Exchange
from delivery_svc.sending.sender import Sender
from delivery_svc.store.publishing import Room
from tests.simulation.database import Database, pod_pool
from tests.simulation.endpoints import Endpoint
from tests.simulation.oracle import Oracle, Violation
from tests.simulation.tables import Row
from tests.simulation.world import Life, World

SUSPECT_FOR_SECONDS = 20.0
EVENT = Event("wev_simulated", 1, "job.run.completed", 1, 0, b"{}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What all pods of a history have in common."""

    slots: int
    lane_limit: int
    policy: RetryPolicy
    dead_after: float
    beat: float
    endpoints: dict[int, Endpoint]


class _Columns(dict[str, Any]):
    """A row as the driver gives it; a column that means nothing here is null."""

    def __missing__(self, column: str) -> None:
        return None


class _Profiles:
    """All subscriptions are known and active."""

    def __init__(self, subscription_ids: list[int]) -> None:
        self._profiles = {
            one: Profile(
                subscription_id=one, version=1, public_id="", name="", endpoint=None, secrets=(), unsendable=""
            )
            for one in subscription_ids
        }

    def get(self, subscription_id: int, version: int) -> Profile:
        return self._profiles[subscription_id]


class _Clock(DatabaseClock):
    """Nothing here asks it."""

    def set(self, database_now: object) -> None:
        """Not needed."""


class Pod:
    """One process, from its start to its kill."""

    def __init__(self, world: World, database: Database, oracle: Oracle, life: Life, shape: Shape) -> None:
        pool, clock = pod_pool(database, life), _Clock()
        self.world, self.database, self.oracle, self.life, self.shape = world, database, oracle, life, shape
        self.beater = Beater(pool, clock, life.name, shape.dead_after)
        self.rescuer = Rescuer(pool, shape.dead_after)
        courier = Courier(
            sender=cast(Sender, None), policy=shape.policy, clock=clock, attempt_id=self.beater.attempt_id
        )
        self.dispatcher = Dispatcher(
            slots=shape.slots,
            lane_limit=shape.lane_limit,
            send=self._send,
            settle=courier.settle,
            record=self._record,
            may_send=self.beater.may_send,
        )
        self.intake = Intake(
            dispatcher=self.dispatcher,
            profiles=cast(Profiles, _Profiles(list(shape.endpoints))),
            record=self._record,
            epoch=lambda: self.beater.epoch,
            wake_claimer=self._wake,
        )
        self.dispatcher.on_room = self._room
        self.dispatcher.on_thirst = self._wake
        self.beater.on_fenced = self._fenced
        self.ready = False
        self._line: list[Settled] = []
        self._writing = 0  # so many of the line are on their way to Postgres
        self._recording = self._claiming = self._woken = False
        self._suspect_until = float("-inf")
        self._in_flight: defaultdict[int, int] = defaultdict(int)
        self._flying: dict[int, int] = {}  # epoch by delivery
        self._overtook: defaultdict[int, set[int]] = defaultdict(set)

    @property
    def idle(self) -> bool:
        """Whether nothing is in its hands."""
        return not (self.dispatcher.held or self.dispatcher.reserved or self.dispatcher.in_flight or self._line)

    def in_hand(self, epoch: int) -> set[int]:
        """Deliveries that wait here under an epoch, to be sent or to be told of, or are in flight."""
        lanes = self.dispatcher._lanes.values()
        waiting = {one.id for lane in lanes for one in (*lane._firsts, *lane._retries) if one.epoch == epoch}
        told = {one.delivery.id for one in self._line[self._writing :] if one.delivery.epoch == epoch}
        return waiting | told | {one for one, under in self._flying.items() if under == epoch}

    def start(self) -> None:
        """Joins, then runs its loops."""
        self.world.spawn(self.life, self._run)

    def kill(self) -> None:
        """It is gone, with all that it held."""
        self.world.tell("killed", self.life.name)
        self.life.alive = False
        self.oracle.killed(self.beater.epoch, self.dispatcher.held)

    async def publish(self, request: int, wanted: list[int]) -> bool:
        """Whether the publisher was told that it is stored."""
        room = self._reserve(len(wanted))
        try:
            rows: list[Row] = await self._ask(lambda: self.database.tables.publish(request, wanted, room))
        except AWAY_ERRORS:
            self._suspect()
            return False
        finally:
            self.intake.unreserve(room)
        self.world.tell("published", *(row.id for row in rows))
        self.intake.born([_born(row, room) for row in rows], [EVENT], room)
        self._look()
        return True

    def _reserve(self, wanted: int) -> Room:
        # Intake.reserve without the wait for room that is about to come free.
        return self.intake._room(0 if self.intake.backlog else min(self.dispatcher.room, wanted))

    async def _run(self) -> None:
        while True:
            try:
                await self.beater.join()
                break
            except AWAY_ERRORS:
                await self.world.sleep(0.1)
        self.ready = True
        for tick, seconds in ((self._beat, self.shape.beat), (self._rescue, self.shape.beat), (self._claim, 1.1)):
            self.world.spawn(self.life, partial(self._loop, tick, seconds))

    async def _loop(self, tick: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:
        while True:
            await self.world.sleep(seconds * (0.9 + 0.2 * self.world.random.random()))
            try:
                await tick()
            except AWAY_ERRORS as error:
                self.world.tell("ticks in vain", tick.__name__, repr(error))

    async def _beat(self) -> None:
        await self.beater.tick()
        self.dispatcher.pump()
        self._look()

    async def _rescue(self) -> None:
        await self.rescuer.tick()
        if self.world.now < self._suspect_until:
            await self._reconcile()

    async def _claim(self) -> None:
        if self._claiming:
            self._woken = True
            return
        self._claiming = True
        try:
            await self._claim_once()
            await self._draw_once()
        except AWAY_ERRORS:
            self._suspect()
            raise
        finally:
            self._claiming = False
            if self._woken:
                self._wake()

    async def _claim_once(self) -> None:
        if not self.beater.may_send() or self.dispatcher.room == 0:
            return
        room = self.intake.reserve_claim()
        rows: list[Row] = []
        try:
            if room.total:
                rows = await self._ask(lambda: self.database.tables.claim(room.epoch, room.total))
        finally:
            self.intake.unreserve(room)
        self.intake.backlog = len(rows) == room.total
        self._take_in(rows, room)

    async def _draw_once(self) -> None:
        if not self.beater.may_send() or not self.database.tables.lanes:
            return  # with nothing parked anywhere the statement brings nothing
        room = self.intake.reserve_claim()
        rows: list[Row] = []
        more: list[int] = []
        try:
            if room.total:
                rows, more = await self._ask(lambda: self.database.tables.draw(room.epoch, room))
        finally:
            self.intake.unreserve(room)
        self._take_in(rows, room)
        self.dispatcher.mark_thirsty(more)

    def _take_in(self, rows: list[Row], room: Room) -> None:
        if rows:
            self.world.tell("leased", *(row.id for row in rows), "under", room.epoch)
        self.intake.claimed([cast(asyncpg.Record, _columns(row)) for row in rows], room)
        self._look()

    async def _reconcile(self) -> None:
        self.intake.paused = True
        try:
            for _ in range(20):
                if not self.dispatcher.reserved:
                    break
                await self.world.sleep(0.1)
            else:
                return
            epoch, held = self.beater.epoch, frozenset(self.dispatcher.held)
            await self._ask(lambda: self.database.tables.reconcile(epoch, held))
        finally:
            self.intake.paused = False

    def _ask(self, effect: Callable[[], Any]) -> Any:
        return self.database.run(self.life, effect)

    def _suspect(self) -> None:
        self._suspect_until = self.world.now + SUSPECT_FOR_SECONDS

    def _wake(self) -> None:
        self._woken = False
        self.world.spawn(self.life, self._claim_woken)

    async def _claim_woken(self) -> None:
        try:
            await self._claim()
        except AWAY_ERRORS:
            self.world.tell("wakes in vain")

    def _room(self) -> None:
        self.intake.room_freed()
        if self.intake.backlog and self.dispatcher.room >= self.dispatcher.slots // 2:
            self._wake()

    def _fenced(self) -> None:
        self._overtook.clear()
        self.world.tell("fenced, drops", self.dispatcher.drop_waiting())

    def _record(self, settled: Settled) -> None:
        self._line.append(settled)
        if not self._recording:
            self._recording = True
            self.world.spawn(self.life, self._flush)

    async def _flush(self) -> None:
        while self._line:
            group = self._line[:8]
            self._writing = len(group)
            pause = 0.05
            while True:
                try:
                    await self._write(group)
                    break
                except AWAY_ERRORS:
                    await self.world.sleep(pause)
                    pause = min(2.0, 2 * pause)
            del self._line[: len(group)]
            self._writing = 0
            self.world.tell("recorded", *(settled.delivery.id for settled in group))
            delivery_ids = [settled.delivery.id for settled in group]
            self.dispatcher.release(delivery_ids)
            self.intake.released(delivery_ids)
            self._look()
        self._recording = False

    async def _write(self, group: list[Settled]) -> None:
        tables = self.database.tables
        attempted = [settled for settled in group if settled.attempt is not None]
        parked = [settled for settled in group if settled.attempt is None and settled.parked]
        free = [settled for settled in group if settled.attempt is None and not settled.parked]
        if attempted:
            await self._ask(lambda: tables.record(attempted))
        if parked:
            await self._ask(lambda: tables.let_go(parked, parked=True))
        if free:
            await self._ask(lambda: tables.let_go(free, parked=False))

    def _send(self, delivery: Delivery, done: Callable[[Exchange], None]) -> None:
        lane = delivery.profile.subscription_id
        self.oracle.sent(delivery)
        self._fair(lane)
        self._in_flight[lane] += 1
        if self._in_flight[lane] > self.shape.lane_limit:
            raise Violation(f"{self._in_flight[lane]} in flight in a lane of {self.shape.lane_limit}")
        if sum(self._in_flight.values()) > self.shape.slots:
            raise Violation(f"{sum(self._in_flight.values())} in flight in a pod of {self.shape.slots}")
        exchange, seconds = self.shape.endpoints[lane].answer(self.world.now)
        if exchange.succeeded:
            self.oracle.taken.add(delivery.id)

        self._flying[delivery.id] = delivery.epoch

        def ended() -> None:
            self._in_flight[lane] -= 1
            self._flying.pop(delivery.id, None)
            done(exchange)
            self._look()

        self.world.at(seconds, self.life, ended)

    def _fair(self, sent: int) -> None:
        """While a lane has something to send and room to, no other lane is served twice."""
        for lane in self.dispatcher._lanes.values():
            overtook = self._overtook[lane.subscription_id]
            if lane.subscription_id == sent or not lane.sendable:
                overtook.clear()
            elif sent in overtook:
                raise Violation(f"lane {lane.subscription_id} starves: lane {sent} was served twice meanwhile")
            else:
                overtook.add(sent)

    def _look(self) -> None:
        """What holds between any two events of a pod."""
        dispatcher = self.dispatcher
        self.oracle.held(dispatcher.held, dispatcher.reserved, dispatcher.slots)
        if dispatcher.in_flight < dispatcher.slots and self.beater.may_send():
            for lane in dispatcher._lanes.values():
                if lane.sendable:
                    raise Violation(f"lane {lane.subscription_id} waits while slots are free")


def _columns(row: Row) -> _Columns:
    return _Columns(
        id=row.id,
        subscription_id=row.subscription_id,
        attempts=row.attempts,
        version=1,
        webhook_name="",
        published_us=0,
    )


def _born(row: Row, room: Room) -> asyncpg.Record:
    columns = _columns(row)
    columns.update(ord=0, leased=row.lease_id == room.epoch, parked=row.parked)
    return cast(asyncpg.Record, columns)
