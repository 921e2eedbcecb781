"""A world with a clock of its own: events in the order of their moments, and coroutines that wait for moments, not for sockets.

What a process was told while it was stopped it hears when it goes on; what a killed one was told nobody hears. One seed is
one history, to the last event.
"""

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from heapq import heappop, heappush
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any

from chassis import clock
from delivery_svc import beater, claimer, courier, dispatcher, health, intake, reconciler, recoverer, rescuer
from delivery_svc.store.recovery import Limits

Answer = Callable[[Any, BaseException | None], None]


class Life:
    """Of one process: killed, stopped for a while, and how its two clocks stand to the world's."""

    def __init__(self, name: str, booted: float) -> None:
        self.name = name
        self.alive = True
        self.stopped = False
        self.missed: list[Callable[[], None]] = []
        self.booted = booted
        self.wall_offset = 0.0
        self.suspensions = 0  # so often, with its clock
        self.beaten_after = 0  # suspensions when the last beat began

    @property
    def suspended(self) -> bool:
        """Whether it was, and no beat began since: it cannot know for how long."""
        return self.beaten_after < self.suspensions


class Wait:
    """Awaited by what runs in the world: `begin` gets the function that is to be called with the answer."""

    __slots__ = ("_begin",)

    def __init__(self, begin: Callable[[Answer], None]) -> None:
        self._begin = begin

    def __await__(self) -> Generator[Callable[[Answer], None], Any, Any]:
        return (yield self._begin)


class World:
    """`at` plans a call, `run` makes time pass. `trace` takes a line for each thing worth telling; None: nobody listens."""

    def __init__(self, seed: int, trace: Callable[[str], None] | None = None) -> None:
        self.random = Random(seed)
        self.now = 0.0
        self.trace = trace
        self.life: Life | None = None  # whose code runs
        self._planned: list[tuple[float, int, Life | None, Callable[[], None]]] = []
        self._count = 0

    def at(self, delay: float, life: Life | None, call: Callable[[], None]) -> None:
        """Plans a call in `delay` seconds, in a process or (None) outside of all."""
        self._count += 1
        heappush(self._planned, (self.now + delay, self._count, life, call))

    def run(self, until: float, finished: Callable[[], bool]) -> bool:
        """Makes time pass until `finished`, asked after each event; whether it was before `until`."""
        while self._planned:
            moment, _, life, call = heappop(self._planned)
            if moment > until:
                return False
            self.now = moment
            if life is None:
                self.life = None
                call()
            elif not life.alive:
                continue
            elif life.stopped:
                life.missed.append(call)
            else:
                self.life = life
                call()
            if finished():
                return True
        return False

    def resume(self, life: Life) -> None:
        """A stopped process goes on, and hears what it missed in the order in which it came."""
        life.stopped = False
        missed, life.missed = life.missed, []
        for call in missed:
            self.at(0.0, life, call)

    def spawn(self, life: Life | None, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Runs a coroutine in a process, from the next event on."""
        self.at(0.0, life, lambda: self._step(work(), None, None))

    def sleep(self, seconds: float) -> Wait:
        """Awaited by a process: goes on after so many seconds."""
        life = self.life
        return Wait(lambda answer: self.at(seconds, life, lambda: answer(None, None)))

    def tell(self, what: str, *facts: object) -> None:
        """A line of the trace."""
        if self.trace is not None:
            who = self.life.name if self.life is not None else "-"
            self.trace(f"{self.now:8.3f} {who:6} {what} {' '.join(str(fact) for fact in facts)}")

    def _step(self, work: Coroutine[Any, Any, None], value: Any, error: BaseException | None) -> None:
        try:
            begin = work.send(value) if error is None else work.throw(error)
        except StopIteration:
            return
        begin(lambda value, error: self._step(work, value, error))


class _Clock:
    """Stands in for the module `time`, and tells each process its own time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def monotonic(self) -> float:
        life = self._world.life
        return self._world.now - (life.booted if life is not None else 0.0)

    def time(self) -> float:
        life = self._world.life
        return self._world.now + (life.wall_offset if life is not None else 0.0)


class _Log:
    """Stands in for a room's log: its lines go to the trace."""

    def __init__(self, world: World) -> None:
        self._world = world

    def info(self, event: str, **facts: object) -> None:
        self._world.tell(event, facts)

    warning = error = info


class _Asyncio:
    """Stands in for the module `asyncio` where a room waits for others: sleeps that may be too many."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._over: dict[Life | None, float] = {}

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncGenerator[None]:
        life = self._world.life
        self._over[life] = self._world.now + seconds
        try:
            yield
        finally:
            del self._over[life]

    async def sleep(self, seconds: float) -> None:
        if self._world.now >= self._over[self._world.life]:
            raise TimeoutError
        await self._world.sleep(max(0.05, seconds))


@contextmanager
def living_in(world: World) -> Generator[None]:
    """While this lasts the product's rooms tell time, draw lots and log in this world."""
    told, log = _Clock(world), _Log(world)
    stand_ins: list[tuple[ModuleType, str, object]] = [
        (clock, "time", told),
        (beater, "time", told),
        (beater, "log", log),
        (claimer, "time", told),
        (dispatcher, "time", told),
        (rescuer, "time", told),
        (rescuer, "log", log),
        (reconciler, "time", told),
        (reconciler, "log", log),
        (reconciler, "asyncio", _Asyncio(world)),
        (reconciler, "LOOK_FOR_SECONDS", 8.0),
        (health, "log", log),
        (intake, "log", log),
        (recoverer, "LIMITS", Limits(batch=2, parked=3)),
        (courier, "random", SimpleNamespace(random=world.random.random)),
    ]
    before = [(module, name, getattr(module, name)) for module, name, _ in stand_ins]
    for module, name, stand_in in stand_ins:
        setattr(module, name, stand_in)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
