"""Hands free runs to the runners that are connected to this pod: one look for all of them, not one each.

A run is leased before it is handed out, so that no two runners get it; what a runner does not get to see any more goes
back at once, and what it does not start in time is freed by the rescuer.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg

from chassis.errors import BadField, InvalidInput
from trigger_svc import metrics
from trigger_svc.overview import ConnectedRunner
from trigger_svc.store import run as runs
from trigger_svc.store.run import Acquired

MOST_AT_ONCE = 100
MOST_SLOTS = 1_000
MOST_COMMANDS = 1_000
LONGEST_NAME = 100
_COMMAND = re.compile(r"[a-z0-9_-]{1,63}")


@dataclass(eq=False, slots=True, kw_only=True)
class Runner:
    """A connected runner: what it may run, how many more it can take, what was leased for it and not yet sent."""

    name: str
    commands: frozenset[str]
    account_id: int | None
    free_slots: int = 0
    leased: asyncio.Queue[Acquired | None] = field(default_factory=asyncio.Queue)  # None: the stream is over


def runner_of(name: str, commands: Sequence[str], free_slots: int, account_id: int | None) -> Runner:
    """A runner by its own first words; `account_id` None is one of ours. InvalidInput with every bad field."""
    bad = []
    if not 1 <= len(name) <= LONGEST_NAME:
        bad.append(BadField("runner_name", f"must be 1 to {LONGEST_NAME} characters"))
    if not 1 <= len(commands) <= MOST_COMMANDS:
        bad.append(BadField("commands", f"must be 1 to {MOST_COMMANDS:,}"))
    for place, command in enumerate(commands):
        if not _COMMAND.fullmatch(command):
            bad.append(BadField(f"commands[{place}]", 'must be 1 to 63 of a-z, 0-9, "-" and "_"'))
    if room(free_slots) != free_slots:
        bad.append(BadField("free_slots", f"must be 0 to {MOST_SLOTS:,}"))
    if bad:
        raise InvalidInput(bad)
    return Runner(name=name, commands=frozenset(commands), account_id=account_id, free_slots=free_slots)


def room(free_slots: int) -> int:
    """A number of free slots, kept in its bounds."""
    return max(0, min(MOST_SLOTS, free_slots))


class Acquirer:
    """Knows the connected runners; its tick is a loop's."""

    def __init__(self, pool: asyncpg.Pool, *, lease_seconds: float) -> None:
        self._pool = pool
        self._lease_seconds = lease_seconds
        self._runners: list[Runner] = []

    def connect(self, runner: Runner) -> None:
        """Lets a runner take part."""
        self._runners.append(runner)
        metrics.RUNNERS.set(len(self._runners))

    async def disconnect(self, runner: Runner) -> None:
        """Takes a runner out and gives back what it was not sent."""
        self._runners.remove(runner)
        metrics.RUNNERS.set(len(self._runners))
        left = [runner.leased.get_nowait() for _ in range(runner.leased.qsize())]
        unsent = [one for one in left if one is not None]
        if unsent:
            await runs.release(self._pool, unsent)

    def connected(self) -> list[ConnectedRunner]:
        """Those that take part."""
        return [
            ConnectedRunner(name=one.name, account_id=one.account_id, free_slots=one.free_slots)
            for one in self._runners
        ]

    async def tick(self) -> bool:
        """Leases free runs for whoever has room; whether there may be more."""
        alike: defaultdict[tuple[int | None, frozenset[str]], list[Runner]] = defaultdict(list)
        for runner in self._runners:
            if runner.free_slots > 0:
                alike[runner.account_id, runner.commands].append(runner)
        more = [await self._lease(account_id, commands, them) for (account_id, commands), them in alike.items()]
        return any(more)

    async def _lease(self, account_id: int | None, commands: frozenset[str], takers: list[Runner]) -> bool:
        """Leases runs that each of the takers may run."""
        most = min(MOST_AT_ONCE, sum(taker.free_slots for taker in takers))
        acquired = await runs.acquire(
            self._pool, sorted(commands), most=most, lease_seconds=self._lease_seconds, account_id=account_id
        )
        unwanted = [one for one in acquired if not self._hand_out(one, takers)]
        if unwanted:
            await runs.release(self._pool, unwanted)
        return len(acquired) == most and not unwanted

    def _hand_out(self, one: Acquired, takers: list[Runner]) -> bool:
        """Gives a run to the taker with the most room; False when they have left or filled up meanwhile."""
        taker = max(takers, key=lambda taker: taker.free_slots if taker in self._runners else 0)
        if taker.free_slots < 1 or taker not in self._runners:
            return False
        taker.free_slots -= 1
        taker.leased.put_nowait(one)
        metrics.RUNS_ACQUIRED.inc()
        metrics.RUN_WAIT.observe(one.waited_seconds)
        return True
