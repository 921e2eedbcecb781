"""One random history: some pods, some endpoints, publishes and faults for a while, then quiet until all is done."""

from collections.abc import Callable
from functools import partial
from random import Random

from delivery_svc.retry import RetryPolicy
from tests.simulation.database import Database
from tests.simulation.endpoints import CHARACTERS, Endpoint
from tests.simulation.oracle import Oracle, Violation
from tests.simulation.pod import Pod, Shape
from tests.simulation.tables import Tables
from tests.simulation.world import Life, World, living_in

QUIET_FROM = 10.0
LAST_MOMENT = 150.0
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
        self.oracle = Oracle(self.world, len(DELAYS))
        self._pod = pod
        rate = self.random.choice((0.0, 0.0, 0.02, 0.1))
        self.tables = tables(now=lambda: self.world.now, lost=self._lost)
        self.oracle.tables = self.tables
        self.oracle.in_hand = self._in_hand
        self.database = Database(self.world, self.tables, rate)
        self.shape = self._shape()
        self.pods: dict[str, Pod] = {}
        self._published = 0

    def run(self) -> None:
        """The whole of it. Violation (or what the product itself raised)."""
        with living_in(self.world):
            for number in range(self.random.randint(2, 3)):
                self._start(f"pod-{number}")
            self._plan_publishes()
            for _ in range(self.random.randint(0, 4)):
                fault = self.random.choice(
                    (self._kill, self._kill, self._stop, self._stop, self._away, self._slow, self._jump)
                )
                self._at(self.random.uniform(0.1, QUIET_FROM - 2), fault)
            self._at(QUIET_FROM, self._quiet)
            if not self.world.run(LAST_MOMENT, self._done):
                holding = {name: sorted(pod.dispatcher.held) for name, pod in self.pods.items() if not pod.idle}
                raise Violation(f"not done by {LAST_MOMENT:g} s: {list(self.tables.queue.values())}, held: {holding}")
            self.oracle.ended()

    def _shape(self) -> Shape:
        random = self.random
        slots = random.randint(1, 4)
        return Shape(
            slots=slots,
            lane_limit=random.randint(1, max(1, slots - 1)),
            policy=RetryPolicy(delays=DELAYS),
            dead_after=6.0,
            beat=1.5,
            endpoints={one: Endpoint(random.choice(CHARACTERS), random) for one in range(1, random.randint(2, 5))},
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
        ready = [pod for pod in self.pods.values() if pod.ready and pod.life.alive and not pod.life.stopped]
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
        self.oracle.taken_away(delivery_id, epoch, "unknown" if self.database.late else cause)

    def _in_hand(self, epoch: int) -> set[int]:
        living = [pod for pod in self.pods.values() if pod.life.alive]
        return {one for pod in living for one in pod.in_hand(epoch)}

    def _kill(self) -> None:
        pod = self.random.choice(list(self.pods.values()))
        if pod.life.alive:
            pod.kill()
            self._at(self.random.choice((0.2, 3.0, 12.0)), lambda: self._start(pod.life.name))

    def _stop(self) -> None:
        life = self.random.choice(list(self.pods.values())).life
        if life.alive and not life.stopped:
            self.world.tell("stopped", life.name)
            life.stopped = True
            self._at(self.random.uniform(0.5, 12.0), lambda: self._resume(life))

    def _resume(self, life: Life) -> None:
        self.world.tell("goes on", life.name)
        self.world.resume(life)

    def _away(self) -> None:
        self.world.tell("database away")
        self.database.away = True
        self._at(self.random.uniform(0.2, 8.0), self._back)

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

    def _quiet(self) -> None:
        self.world.tell("quiet from here on")
        self.database.unknown = 0.0

    def _done(self) -> bool:
        if self.tables.queue or len(self.oracle.wanted) < self._published or self.world.now < QUIET_FROM:
            return False
        return all(pod.idle for pod in self.pods.values() if pod.life.alive)
