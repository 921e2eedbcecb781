"""One random history: some pods, some endpoints, publishes and faults for a while, then quiet until all is done."""

from collections.abc import Callable
from functools import partial
from random import Random

from delivery_svc.breaker import BreakerPolicy
from delivery_svc.retry import RetryPolicy
from tests.simulation.database import Database
from tests.simulation.endpoints import CHARACTERS, Endpoint
from tests.simulation.oracle import Oracle, Violation
from tests.simulation.pod import Pod, Shape, Wish
from tests.simulation.tables import Tables
from tests.simulation.world import Life, World, living_in

QUIET_FROM = 10.0
SETTLED_AFTER = 15.0  # by then who was killed or stopped is back
LAST_MOMENT = 200.0
DELAYS = (1.0, 2.0)


class History:
    """Made of a seed alone. `run` raises what did not hold."""

    def __init__(
        self,
        seed: int,
        *,
        trace: Callable[[str], None] | None = None,
        tables: type[Tables] = Tables,
        pod: type[Pod] = Pod,
    ) -> None:
        self.world = World(seed, trace)
        self.random: Random = self.world.random
        self.oracle = Oracle(self.world)
        self._pod = pod
        rate = self.random.choice((0.0, 0.0, 0.02, 0.1))
        self.tables = tables(now=lambda: self.world.now, lost=self._lost, probed_twice=self.oracle.probed_twice)
        self.oracle.tables = self.tables
        self.oracle.in_hand = self._in_hand
        self.database = Database(self.world, self.tables, rate)
        self.shape = self._shape()
        self.oracle.delays = {
            one: len((wish.retry or self.shape.policy).delays) for one, wish in self.shape.wishes.items()
        }
        self.pods: dict[str, Pod] = {}
        self._published = 0

    def run(self) -> None:
        """The whole of it. Violation (or what the product itself raised)."""
        with living_in(self.world):
            for number in range(self.random.randint(2, 3)):
                self._start(f"pod-{number}")
            self._plan_publishes()
            for _ in range(self.random.randint(0, 4)):
                self._at(self.random.uniform(0.1, QUIET_FROM - 2), self.random.choice(self._faults()))
            for _ in range(self.random.choice((0, 0, 1, 2))):
                self._at(self.random.uniform(2.0, QUIET_FROM + 5), self.random.choice((self._redeliver, self._recover)))
            self._at(QUIET_FROM, self._quiet)
            self._at(QUIET_FROM + SETTLED_AFTER, self._look)
            if not self.world.run(LAST_MOMENT, self._done):
                holding = {name: sorted(pod.dispatcher.held) for name, pod in self.pods.items() if not pod.idle}
                raise Violation(f"not done by {LAST_MOMENT:g} s: {list(self.tables.queue.values())}, held: {holding}")
            self.oracle.ended()

    def _faults(self) -> tuple[Callable[[], None], ...]:
        kills, stops = (self._kill, self._kill, self._drain), (self._stop, self._stop, self._suspend)
        return (*kills, *stops, self._away, self._slow, self._jump, self._leap)

    def _shape(self) -> Shape:
        random = self.random
        slots = random.choice((1, 2, 3, 4, 9))
        lanes = range(1, random.randint(2, 5))
        return Shape(
            slots=slots,
            lane_limit=random.randint(1, max(1, slots - 1)),
            policy=RetryPolicy(delays=DELAYS),
            breaker=BreakerPolicy(failures=random.choice((None, 1, 2, 3, 5)), shortest=0.5, longest=2.0),
            dead_after=6.0,
            beat=1.5,
            grace=random.choice((1.5, 6.0, 6.0)),
            endpoints={one: Endpoint(random.choice(CHARACTERS), random) for one in lanes},
            wishes={one: self._wish() for one in lanes},
        )

    def _wish(self) -> Wish:
        chance = self.random.random()
        if chance < 0.7:
            return Wish()
        return Wish(
            retry=RetryPolicy(delays=DELAYS[:1]) if chance < 0.85 else None,
            concurrency=self.random.choice((None, 1, 2)),
            rate_per_second=self.random.choice((None, 0.5, 2.0)),
        )

    def _at(self, delay: float, call: Callable[[], None]) -> None:
        self.world.at(delay, None, call)

    def _start(self, name: str) -> None:
        life = Life(name, booted=self.random.uniform(-1000, 1000))
        self.pods[name] = self._pod(self.world, self.database, self.oracle, life, self.shape)
        self.pods[name].start()

    def _plan_publishes(self) -> None:
        endpoints = list(self.shape.endpoints)
        for request in range(self.random.randint(1, 6)):
            wanted = [self.random.choice(endpoints) for _ in range(self.random.randint(1, 5))]
            self._published += 1
            self._at(self.random.uniform(0.1, QUIET_FROM - 1), partial(self._publish, request, wanted))

    def _publish(self, request: int, wanted: list[int]) -> None:
        ready = self._ready()
        if not ready:
            self._at(0.5, lambda: self._publish(request, wanted))
            return
        pod = self.random.choice(ready)
        self.world.spawn(pod.life, lambda: self._call(pod, request, wanted))
        self._at(2.0, lambda: self._publish_again(request, wanted))

    def _publish_again(self, request: int, wanted: list[int]) -> None:
        """What a publisher does that heard nothing in time."""
        if request not in self.oracle.wanted:
            self._publish(request, wanted)

    async def _call(self, pod: Pod, request: int, wanted: list[int]) -> None:
        if await pod.publish(request, wanted):
            self.oracle.wanted[request] = len(wanted)

    def _lost(self, delivery_id: int, epoch: int, cause: str) -> None:
        if cause != "repeat" or delivery_id in self._in_hand(epoch):
            self.oracle.taken_away(delivery_id, epoch, "unknown" if self.database.late else cause)

    def _in_hand(self, epoch: int) -> set[int]:
        living = [pod for pod in self.pods.values() if pod.life.alive]
        return {one for pod in living for one in pod.in_hand(epoch)}

    def _kill(self) -> None:
        pod = self.random.choice(list(self.pods.values()))
        if pod.life.alive:
            pod.kill()
            self._at(self.random.choice((0.2, 3.0, 12.0)), lambda: self._restart(pod))

    def _restart(self, pod: Pod) -> None:
        """Unless it has a successor already, for it was draining when it was killed: no two have one name at once."""
        if self.pods[pod.life.name] is pod:
            self._start(pod.life.name)

    def _drain(self) -> None:
        pod = self.random.choice(list(self.pods.values()))
        if pod.life.alive and pod.ready:
            pod.drain()
            self._at(0.5, lambda: self._follow(pod))

    def _follow(self, pod: Pod) -> None:
        """A successor, under the same name or another, once it is gone."""
        if pod.life.alive:
            self._at(0.5, lambda: self._follow(pod))
        elif self.pods.get(pod.life.name) is pod:
            self._start(pod.life.name if self.random.random() < 0.5 else f"{pod.life.name}'")

    def _stop(self) -> None:
        life = self.random.choice(list(self.pods.values())).life
        if life.alive and not life.stopped:
            self.world.tell("stopped", life.name)
            life.stopped = True
            self._at(self.random.uniform(0.5, 12.0), lambda: self._resume(life))

    def _suspend(self) -> None:
        """Its machine is, so that its monotonic clock stands."""
        life = self.random.choice(list(self.pods.values())).life
        if life.alive and not life.stopped:
            seconds = self.random.uniform(0.5, 12.0)
            self.world.tell("suspended", life.name)
            life.stopped = True
            life.suspensions += 1
            life.booted += seconds
            self._at(seconds, lambda: self._resume(life))

    def _resume(self, life: Life) -> None:
        self.world.tell("goes on", life.name)
        self.world.resume(life)

    def _away(self) -> None:
        self.world.tell("database away")
        self.database.away = True
        self._at(self.random.uniform(0.2, 12.0), self._back)

    def _back(self) -> None:
        self.world.tell("database back")
        self.database.away = False

    def _slow(self) -> None:
        self.world.tell("database slow")
        self.database.slow = self.random.uniform(0.3, 2.0)
        self._at(self.random.uniform(1.0, 6.0), self._swift)

    def _swift(self) -> None:
        self.database.slow = 0.01

    def _jump(self) -> None:
        life = self.random.choice(list(self.pods.values())).life
        life.wall_offset += self.random.choice((-3600.0, -5.0, 5.0, 3600.0))
        self.world.tell("wall clock jumps", life.name, life.wall_offset)

    def _leap(self) -> None:
        life = self.random.choice(list(self.pods.values())).life
        seconds = self.random.choice((0.5, 1.5, 5.0, 3600.0))
        self.world.tell("monotonic clock leaps", life.name, seconds)
        life.booted -= seconds

    def _redeliver(self) -> None:
        """Somebody asks for a finished delivery, at two pods at once."""
        finished = sorted(self.tables.finals)
        ready = self._ready()
        if finished and ready:
            delivery_id = self.random.choice(finished)
            for pod in (self.random.choice(ready), self.random.choice(ready)):
                self.world.spawn(pod.life, partial(pod.redeliver, delivery_id))

    def _recover(self) -> None:
        lane = self.random.choice(list(self.shape.endpoints))
        if self.tables.again.recover(lane):
            self.world.tell("recovers lane", lane)

    def _quiet(self) -> None:
        self.world.tell("quiet from here on")
        self.database.unknown = 0.0

    def _look(self) -> None:
        self.oracle.quiet_from = QUIET_FROM + SETTLED_AFTER
        self.oracle.looked()
        self._at(5.0, self._look)

    def _ready(self) -> list[Pod]:
        return [pod for pod in self.pods.values() if pod.ready and pod.life.alive and not pod.life.stopped]

    def _done(self) -> bool:
        if self.tables.queue or len(self.oracle.wanted) < self._published or self.world.now < QUIET_FROM + 6:
            return False
        if any(one.state == "RUNNING" for one in self.tables.again.recoveries.values()):
            return False
        return all(pod.idle for pod in self.pods.values() if pod.life.alive)
