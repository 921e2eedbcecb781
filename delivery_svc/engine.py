"""The delivery engine put together: every pod runs this one program; there are no roles.

publish --commit--> intake --> dispatcher --> courier/sender --> recorder --commit--> released
                      ^                                             |
                   claimer <------- free, due, parked rows <--------+
redeliver and recoverer put finished ones back among those; eraser takes bodies away, and what was to carry them
beater proves the epoch, rescuer frees what the dead held, reconciler what an unknown outcome left behind
"""

import asyncio
from contextlib import suppress
from functools import partial

import asyncpg

from chassis.clock import DatabaseClock
from chassis.database import AWAY_ERRORS
from chassis.keyring import KeyRing
from chassis.logs import get_logger
from chassis.loop import Loop
from delivery_svc.beater import Beater
from delivery_svc.breaker import BreakerPolicy
from delivery_svc.claimer import Claimer
from delivery_svc.courier import Courier
from delivery_svc.dispatcher import Dispatcher
from delivery_svc.erase import Erasures
from delivery_svc.eraser import Eraser
from delivery_svc.health import Health
from delivery_svc.intake import Intake
from delivery_svc.profiles import Profiles
from delivery_svc.publish import Publisher
from delivery_svc.reconciler import Reconciler
from delivery_svc.recorder import Recorder
from delivery_svc.recover import Recoveries
from delivery_svc.recoverer import Recoverer
from delivery_svc.redeliver import Redeliverer
from delivery_svc.rescuer import Rescuer
from delivery_svc.sending.address import AddressPolicy
from delivery_svc.sending.resolver import Resolver
from delivery_svc.sending.sender import Sender
from delivery_svc.sending.tls import tls_context
from delivery_svc.settings import DeliverySettings
from delivery_svc.surveyor import Surveyor
from delivery_svc.tester import Tester

log = get_logger()
PROBE_MARGIN_SECONDS = 5.0  # beyond its timeout, until an attempt is recorded and noted
RECOVER_SECONDS = 1.0
ERASE_SECONDS = 1.0


class Engine:
    """Owns the rooms of delivering. `start` before the loops run, `drain` while they still do, `stop` after."""

    def __init__(self, settings: DeliverySettings, pool: asyncpg.Pool, clock: DatabaseClock, key_ring: KeyRing) -> None:
        dead_after = settings.delivery_dead_after_seconds
        self._grace = settings.grace_seconds
        self.beater = Beater(pool, clock, settings.pod_name, dead_after)
        self.sender = _sender(settings)
        attempt_id = self.beater.attempt_id
        courier = Courier(sender=self.sender, policy=settings.retry_policy, clock=clock, attempt_id=attempt_id)
        profiles = Profiles(pool, key_ring, settings.retry_policy)
        self.health = self._made_health(pool, settings.breaker_policy)
        self.recorder = Recorder(pool, self.health, self._released, lambda: self.reconciler.suspect())
        self.dispatcher = Dispatcher(
            slots=settings.delivery_slots,
            lane_limit=settings.delivery_lane_limit,
            send=courier.send,
            settle=courier.settle,
            record=self.recorder.add,
            may_send=self.beater.may_send,
        )
        self.intake = self._made_intake(profiles)
        self.reconciler = Reconciler(pool, self.beater, self.dispatcher, self.intake)
        self.publisher = Publisher(pool, clock, self.intake, self.reconciler.suspect)
        self.claimer = self._made_claimer(pool, settings.delivery_timeout_seconds + PROBE_MARGIN_SECONDS)
        self.rescuer = Rescuer(pool, dead_after)
        self.tester = Tester(pool, profiles, courier, clock, attempt_id, settings.delivery_timeout_seconds)
        self.surveyor = Surveyor(pool, self.dispatcher, self.intake, self.sender)
        self._claim_loop = Loop("claim", self.claimer.tick, interval=settings.delivery_claim_seconds)
        self._deliver_again(pool)
        self._erase_loop = Loop("erase", Eraser(pool).tick, interval=ERASE_SECONDS)
        self.erasures = Erasures(pool, self._erase_loop.wake)
        self._health_loop = Loop("health", self.health.tick_soon, interval=0.25)
        self.loops = [
            self._claim_loop,
            self._recover_loop,
            self._erase_loop,
            *self._slow_loops(settings.delivery_heartbeat_seconds),
        ]
        self.beater.on_fenced = self._fenced
        self.dispatcher.on_room = self._room
        self.dispatcher.on_thirst = self._claim_loop.wake

    def _made_intake(self, profiles: Profiles) -> Intake:
        return Intake(
            dispatcher=self.dispatcher,
            profiles=profiles,
            record=self.recorder.add,
            epoch=lambda: self.beater.epoch,
            wake_claimer=lambda: self._claim_loop.wake(),
        )

    def _deliver_again(self, pool: asyncpg.Pool) -> None:
        self.redeliverer = Redeliverer(pool, self._claim_loop.wake)
        self.recoverer = Recoverer(pool, self._claim_loop.wake)
        self._recover_loop = Loop("recover", self.recoverer.tick, interval=RECOVER_SECONDS)
        self.recoveries = Recoveries(pool, self._recover_loop.wake)

    async def start(self) -> None:
        """Takes an epoch."""
        await self.beater.join()

    async def drain(self) -> None:
        """Hands back what waits, finishes what is in flight, and returns when all of it is committed."""
        await self.intake.idle()
        self.dispatcher.give_back()
        try:
            async with asyncio.timeout(max(0.5, self._grace - 5)):
                # An event would cost every delivery a check.
                while self.dispatcher.in_flight or self.dispatcher.reserved:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            log.warning("drain.cut_short", in_flight=self.dispatcher.in_flight)
        await self.sender.close()
        await asyncio.sleep(0)
        await self.recorder.idle()
        with suppress(*AWAY_ERRORS):  # a moment's signs of endpoints; the attempts themselves are on record
            await self.health.tick()

    async def stop(self) -> None:
        """Leaves the epoch. What could not be handed back, or may be leased by a statement that was lost, is left to others."""
        dispatcher = self.dispatcher
        await self.beater.leave(clean=not (dispatcher.held or dispatcher.reserved or self.reconciler.suspicious))

    def _made_health(self, pool: asyncpg.Pool, policy: BreakerPolicy) -> Health:
        return Health(
            pool,
            policy,
            lambda seconds: self.dispatcher.shut_lanes(seconds),
            lambda lanes: self.dispatcher.reopen_lanes(lanes),
            lambda lane: self.dispatcher.is_shut(lane),
            lambda: self._health_loop.wake(),
        )

    def _made_claimer(self, pool: asyncpg.Pool, probe_seconds: float) -> Claimer:
        return Claimer(
            pool,
            self.dispatcher,
            self.intake,
            self.beater.may_send,
            self.reconciler.suspect,
            probe_seconds,
        )

    def _slow_loops(self, beat: float) -> list[Loop]:
        return [
            Loop("beat", self._beat, interval=beat, jitter=0.1),
            Loop("rescue", self.rescuer.tick, interval=beat),
            Loop("reconcile", self.reconciler.tick, interval=beat),
            self._health_loop,
            Loop("survey", self.surveyor.look, interval=1.0),
            Loop("census", self.surveyor.count, interval=5.0),
        ]

    async def _beat(self) -> None:
        await self.beater.tick()
        self.dispatcher.tidy(self.rescuer.living)
        self.dispatcher.pump()  # after a fence was lifted, what waits goes on

    def _released(self, delivery_ids: list[int]) -> None:
        self.dispatcher.release(delivery_ids)
        self.intake.released(delivery_ids)

    def _fenced(self) -> None:
        dropped = self.dispatcher.drop_waiting()
        self.intake.fenced()
        log.warning("deliveries.dropped", deliveries=dropped, epoch=self.beater.epoch)

    def _room(self) -> None:
        self.intake.room_freed()
        if self.intake.backlog and self.dispatcher.room >= self.dispatcher.slots // 2:
            self._claim_loop.wake()


def _sender(settings: DeliverySettings) -> Sender:
    fresh_tls = partial(tls_context, str(settings.delivery_ca_file) if settings.delivery_ca_file else None)
    return Sender(
        policy=AddressPolicy(allowed_networks=settings.allowed_networks),
        resolver=Resolver(),
        tls=fresh_tls(),
        fresh_tls=fresh_tls,
        timeout=settings.delivery_timeout_seconds,
        idle_total=settings.delivery_idle_connections,
        proxy=settings.proxy,
    )
