"""A pod of the simulation: the product's dispatcher, lanes, intake, claimer, beater, rescuer, reconciler, health, recoverer and
judge of attempts, wired as in engine.py.

Recorder, loops and the drain stand here (and in line.py) in a few lines each, since the real ones wait on asyncio;
what they ask of the tables, and in which order, is theirs.
"""

from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import asyncpg

from chassis.clock import DatabaseClock
from chassis.database import AWAY_ERRORS
from delivery_svc.beater import Beater
from delivery_svc.breaker import BreakerPolicy
from delivery_svc.claimer import Claimer
from delivery_svc.courier import Courier
from delivery_svc.delivery import Delivery, Profile, Settled
from delivery_svc.dispatcher import Dispatcher
from delivery_svc.event import Event
from delivery_svc.health import Health
from delivery_svc.intake import Intake
from delivery_svc.profiles import Profiles
from delivery_svc.reconciler import Reconciler
from delivery_svc.recoverer import Recoverer
from delivery_svc.rescuer import Rescuer
from delivery_svc.retry import RetryPolicy
from delivery_svc.sending.exchange import ErrorClass, Exchange, unanswered
from delivery_svc.sending.sender import Sender
from delivery_svc.store import pod
from delivery_svc.store.publishing import Room
from tests.simulation.database import Database
from tests.simulation.endpoints import Endpoint
from tests.simulation.lanes import PROBE_SECONDS
from tests.simulation.line import Line
from tests.simulation.oracle import Oracle
from tests.simulation.rows import Row, account_of
from tests.simulation.statements import columns, pod_pool
from tests.simulation.watch import Watch
from tests.simulation.world import Life, World

CUT = unanswered(ErrorClass.SHUTDOWN, "cut short", 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a subscription has of its own; None: as everybody."""

    retry: RetryPolicy | None = None
    concurrency: int | None = None
    rate_per_second: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What all pods of a history have in common. Endpoints and wishes by subscription."""

    slots: int
    lane_limit: int
    policy: RetryPolicy
    breaker: BreakerPolicy
    dead_after: float
    beat: float
    grace: float
    endpoints: dict[int, Endpoint]
    wishes: dict[int, Wish]


class _Profiles:
    """All subscriptions are known and active."""

    def __init__(self, wishes: dict[int, Wish]) -> None:
        self._profiles = {
            one: Profile(
                subscription_id=one,
                version=1,
                public_id="",
                name="",
                endpoint=None,
                secrets=(),
                unsendable="",
                retry=wish.retry,
                concurrency=wish.concurrency,
                rate_per_second=wish.rate_per_second,
            )
            for one, wish in wishes.items()
        }

    def get(self, subscription_id: int, version: int) -> Profile:
        return self._profiles[subscription_id]


class Pod:
    """One process, from its start to its kill or its drain."""

    def __init__(self, world: World, database: Database, oracle: Oracle, life: Life, shape: Shape) -> None:
        pool = self._pool = pod_pool(world, database, life)
        self.world, self.database, self.oracle, self.life, self.shape = world, database, oracle, life, shape
        self.clock = DatabaseClock()
        self.beater = Beater(pool, self.clock, life.name, shape.dead_after)
        self.rescuer = Rescuer(pool, shape.dead_after)
        self.health = Health(
            pool,
            shape.breaker,
            lambda seconds: self.dispatcher.shut_lanes(seconds),
            lambda lanes: self.dispatcher.reopen_lanes(lanes),
            lambda lane: self.dispatcher.is_shut(lane),
            lambda: self.world.spawn(self.life, partial(self._in_vain, self.health.tick)),
        )
        self.line = Line(world, database, life, self._recorded, lambda: self.reconciler.suspect())
        self._courier = Courier(
            sender=cast(Sender, None), policy=shape.policy, clock=self.clock, attempt_id=self.beater.attempt_id
        )
        self.dispatcher = Dispatcher(
            slots=shape.slots,
            lane_limit=shape.lane_limit,
            send=self._send,
            settle=self._courier.settle,
            record=self._record,
            may_send=self.beater.may_send,
        )
        self.intake = Intake(
            dispatcher=self.dispatcher,
            profiles=cast(Profiles, _Profiles(shape.wishes)),
            record=self._record,
            epoch=lambda: self.beater.epoch,
            wake_claimer=self.wake,
        )
        self.claimer = Claimer(
            pool, self.dispatcher, self.intake, self.beater.may_send, lambda: self.reconciler.suspect(), PROBE_SECONDS
        )
        self.recoverer = Recoverer(pool, self.wake)
        self.reconciler = Reconciler(pool, self.beater, self.dispatcher, self.intake)
        self.watch = Watch(oracle, self.dispatcher, self.beater, shape.lane_limit, self._monotonic)
        self.dispatcher.on_room = self._room
        self.dispatcher.on_thirst = self.wake
        self.beater.on_fenced = self._fenced
        self.ready = self.draining = False
        self._claiming = self._woken = False
        self._asking = 0  # publishes under way
        self._ticking = 0  # ticks under way
        self._flying: dict[
            int, tuple[int, Callable[[Exchange], None]]
        ] = {}  # epoch and what is to be told, by delivery

    @property
    def idle(self) -> bool:
        """Whether nothing is in its hands."""
        dispatcher = self.dispatcher
        return not (dispatcher.held or dispatcher.reserved or dispatcher.in_flight) and self.line.idle

    def in_hand(self, epoch: int) -> set[int]:
        """Deliveries that wait here under an epoch, to be sent or to be told of, or are in flight."""
        flying = {one for one, (under, _) in self._flying.items() if under == epoch}
        return self.watch.waiting(epoch) | self.line.told_next(epoch) | flying

    def start(self) -> None:
        """Joins, then runs its loops."""
        self.world.spawn(self.life, self._run)

    def kill(self) -> None:
        """It is gone, with all that it held."""
        self.world.tell("killed", self.life.name)
        self.life.alive = False
        self.oracle.killed(self.beater.epoch, self.dispatcher.held)

    def drain(self) -> None:
        """SIGTERM."""
        self.world.tell("is told to end", self.life.name)
        self.ready, self.draining = False, True
        self.world.spawn(self.life, self._drain)

    async def publish(self, request: int, wanted: list[int]) -> bool:
        """Whether the publisher was told that it is stored."""
        accounts = Counter(account_of(one) for one in wanted)
        room = self._reserve(accounts)
        wanted = sorted(wanted, key=lambda one: self.intake.turn(account_of(one)))
        self._asking += 1
        try:
            rows: list[Row] = await self._ask(lambda: self.database.tables.publish(request, wanted, room))
        except AWAY_ERRORS:
            self.reconciler.suspect()
            return False
        finally:
            self._asking -= 1
            self.intake.unreserve(room)
        self.world.tell("published", *(row.id for row in rows))
        self.intake.born([_born(ord, row, room) for ord, row in enumerate(rows)], [_event(row) for row in rows], room)
        self.watch.look()
        return True

    async def redeliver(self, delivery_id: int) -> None:
        """As in redeliver.py: asks, and wakes the claimer."""
        try:
            if await self._ask(lambda: self.database.tables.again.redeliver(delivery_id)):
                self.world.tell("redelivers", delivery_id)
                self.wake()
        except AWAY_ERRORS:
            self.world.tell("redelivers in vain", delivery_id)

    def wake(self) -> None:
        """The claimer."""
        self._woken = False
        self.world.spawn(self.life, partial(self._in_vain, self._claim))

    def _reserve(self, accounts: Counter[int]) -> Room:
        # Intake.reserve without the wait for room that is about to come free.
        intake = self.intake
        may = sum(events for account_id, events in accounts.items() if account_id not in intake._behind)
        return intake._room(intake._granted(accounts), events=may)

    async def _run(self) -> None:
        while True:
            try:
                await self.beater.join()
                break
            except AWAY_ERRORS:
                await self.world.sleep(0.1)
        self.ready = not self.draining
        ticks = (
            (self._beat, self.shape.beat),
            (self.rescuer.tick, self.shape.beat),
            (self.reconciler.tick, self.shape.beat),
            (self._claim, 1.1),
            (self.health.tick, 0.5),
            (self.recoverer.tick, 2.0),
        )
        for tick, seconds in ticks:
            self.world.spawn(self.life, partial(self._loop, tick, seconds))

    async def _loop(self, tick: Callable[[], Coroutine[Any, Any, object]], seconds: float) -> None:
        while True:
            await self.world.sleep(seconds * (0.9 + 0.2 * self.world.random.random()))
            await self._in_vain(tick)

    async def _in_vain(self, tick: Callable[[], Coroutine[Any, Any, object]]) -> None:
        self._ticking += 1
        try:
            await tick()
        except AWAY_ERRORS as error:
            self.world.tell("ticks in vain", repr(error))
        finally:
            self._ticking -= 1

    async def _beat(self) -> None:
        suspensions = self.life.suspensions
        await self.beater.tick()
        self.life.beaten_after = suspensions
        self.dispatcher.tidy(self.rescuer.living)
        self.dispatcher.pump()
        self.watch.look()

    async def _claim(self) -> None:
        if self._claiming:
            self._woken = True
            return
        self._claiming = True
        try:
            await self.claimer.tick()
            self.watch.look()
        finally:
            self._claiming = False
            if self._woken:
                self.wake()

    async def _drain(self) -> None:
        """Process._drain, Engine.drain and Engine.stop."""
        over = self.world.now + self.shape.grace
        await self._until(lambda: not self._asking, over)
        self.dispatcher.give_back()
        await self._until(self._hands_empty, over - 1.0)
        for delivery_id, (_, done) in list(self._flying.items()):
            self.oracle.cut(delivery_id)
            done(CUT)
        await self._until(lambda: self.line.idle, over)
        await self._in_vain(self.health.tick)
        await self._until(lambda: self._ticking == 0, float("inf"))
        clean = self._clean()
        await self._in_vain(partial((pod.leave if clean else pod.bury), self._pool, self.beater.epoch))
        self.life.alive = False
        self.oracle.left(self.beater.epoch, self.dispatcher.held, clean=clean)

    def _hands_empty(self) -> bool:
        return not (self.dispatcher.in_flight or self.dispatcher.reserved)

    def _clean(self) -> bool:
        return not (self.dispatcher.held or self.dispatcher.reserved or self.reconciler.suspicious)

    async def _until(self, condition: Callable[[], bool], over: float) -> None:
        while not condition() and self.world.now < over:
            await self.world.sleep(0.1)

    def _monotonic(self) -> float:
        return self.world.now - self.life.booted

    def _ask(self, effect: Callable[[], Any]) -> Any:
        return self.database.run(self.life, effect)

    def _room(self) -> None:
        self.intake.room_freed()
        if self.intake.backlog and self.dispatcher.room >= self.dispatcher.slots // 2:
            self.wake()

    def _fenced(self) -> None:
        self.watch.fenced()
        self.world.tell("fenced, drops", self.dispatcher.drop_waiting())
        self.intake.fenced()

    def _record(self, settled: Settled) -> None:
        if settled.parked:
            self.watch.parked(settled.delivery)
        self.line.add(settled)

    def _recorded(self, group: list[Settled]) -> None:
        delivery_ids = [settled.delivery.id for settled in group]
        self.dispatcher.release(delivery_ids)
        self.intake.released(delivery_ids)
        for settled in group:
            self.health.note(settled)
        self.watch.look()

    def _send(self, delivery: Delivery, done: Callable[[Exchange], None]) -> None:
        lane = delivery.profile.subscription_id
        delivery.began_us = self.clock.now_us()
        self.oracle.sent(delivery, suspended=self.life.suspended)
        self.watch.sent(delivery)
        exchange, seconds = self.shape.endpoints[lane].answer(self.world.now)
        if exchange.succeeded:
            self.oracle.taken.add(delivery.id)

        def ended(exchange: Exchange) -> None:
            if self._flying.pop(delivery.id, None) is not None:
                self.watch.ended(delivery)
                done(exchange)
                self.watch.look()

        self._flying[delivery.id] = delivery.epoch, ended
        self.world.at(seconds, self.life, lambda: ended(exchange))


def _event(row: Row) -> Event:
    return Event("wev_simulated", account_of(row.subscription_id), "job.run.completed", 1, 0, b"{}")


def _born(ord: int, row: Row, room: Room) -> asyncpg.Record:
    told = columns(row)
    told.update(ord=ord, leased=row.lease_id == room.epoch, parked=row.parked)
    return cast(asyncpg.Record, told)
