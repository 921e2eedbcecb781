"""Strikes and undoes the faults of a plan. Invariant: a target has one fault at a time, and every fault is undone.

A fault whose target has not yet come back from the one before waits for it, so `began` may be later than planned.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import asyncpg

from tests.chaos.house import NAME, House
from tests.chaos.plan import Fault, Kind

_UNDO_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Struck:
    """A fault as it went: `began` and `ended` (target whole again) are seconds since 1970."""

    fault: Fault
    began: float
    ended: float


class Striker:
    """`struck` grows as faults end; `say` prints a line."""

    def __init__(self, house: House, say: Callable[[str], None]) -> None:
        self.struck: list[Struck] = []
        self._house = house
        self._say = say
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def strike_all(self, faults: Sequence[Fault]) -> None:
        """Every fault at its time; returns when the last target is whole. Errors of members and of Postgres' start."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for fault in faults:
                await asyncio.sleep(began + fault.at - time.monotonic())
                group.create_task(self._strike(fault))

    async def _strike(self, fault: Fault) -> None:
        async with self._turns[fault.target]:
            began = time.time()
            self._say(f"{fault.kind}: {fault.target}" + (f", for {fault.lasts:g} s" if fault.lasts > 1 else ""))
            match fault.kind:
                case Kind.STOP_POD | Kind.STOP_POSTGRES:
                    await self._stop(fault)
                case Kind.REFUSE:
                    await self._refuse(fault)
                case _:
                    await self._kill(fault)
            self.struck.append(Struck(fault=fault, began=began, ended=time.time()))

    async def _kill(self, fault: Fault) -> None:
        if fault.kind is Kind.KILL_POSTGRES:
            await self._house.database.kill()
            await asyncio.sleep(fault.lasts)
            await self._house.database.start()
            return
        member = self._house.members[fault.target]
        await member.kill()
        await asyncio.sleep(fault.lasts)
        await member.start()

    async def _stop(self, fault: Fault) -> None:
        target = self._house.database if fault.kind is Kind.STOP_POSTGRES else self._house.members[fault.target]
        target.pause()
        try:
            await asyncio.sleep(fault.lasts)
        finally:
            target.resume()

    async def _refuse(self, fault: Fault) -> None:
        """New connections are refused and the old ones cut."""
        await self._house.admin(f"alter database {NAME} allow_connections false")
        await self._house.admin(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{NAME}'")
        await asyncio.sleep(fault.lasts)
        async with asyncio.timeout(_UNDO_SECONDS):
            while True:
                with suppress(OSError, asyncpg.PostgresError, TimeoutError):
                    await self._house.admin(f"alter database {NAME} allow_connections true")
                    return
                await asyncio.sleep(0.1)
