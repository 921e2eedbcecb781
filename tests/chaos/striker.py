"""Strikes and undoes the faults of a plan. Invariant: a target has one fault at a time, and every fault is undone.

A fault whose target has not yet come back from the one before waits for it, so `began` may be later than planned. A pod that
is to meet a fault point is drained first and started armed; the drain is a fault of its own.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from chassis.database import AWAY_ERRORS
from chassis.fault_points import PAUSE_SECONDS, Action
from chassis.migrations import FailedMigration
from tests.chaos.house import NAME
from tests.chaos.members import Database, Member
from tests.chaos.plan import Fault, Kind

_UNDO_SECONDS = 30.0
_POINT_SECONDS = 8.0


@dataclass(frozen=True, kw_only=True)
class Struck:
    """A fault as it went: `began` and `ended` (target whole again) are seconds since 1970. `went` is until when the target
    could still work before it ended, and `missed` says of a fault point that it was never reached: the pod was killed."""

    fault: Fault
    began: float
    ended: float
    went: float = 0.0
    missed: bool = False


class Strikable(Protocol):
    """What a striker needs of a house."""

    @property
    def members(self) -> Mapping[str, Member]:
        """By name."""

    @property
    def database(self) -> Database:
        """The embedded Postgres."""

    async def admin(self, statement: str) -> None:
        """Run a statement as the owner, from another database."""

    async def upgrade(self) -> None:
        """Migrate the database one version further."""


class Striker:
    """`struck` grows as faults end; `say` prints a line."""

    def __init__(self, house: Strikable, say: Callable[[str], None]) -> None:
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
            shown = fault.armed or (f"for {fault.lasts:g} s" if fault.lasts > 1 else "")
            self._say(f"{fault.kind}: {fault.target}" + (f", {shown}" if shown else ""))
            began = time.time()
            match fault.kind:
                case Kind.STOP_POD | Kind.STOP_POSTGRES:
                    await self._stop(fault)
                case Kind.REFUSE:
                    await self._refuse(fault)
                case Kind.UPGRADE:
                    await self._upgrade()
                case Kind.DRAIN_POD | Kind.POINT:
                    await self._drain(fault)
                    return
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

    async def _drain(self, fault: Fault) -> None:
        """SIGTERM under load, and a new start, which for a fault point is an armed one."""
        member = self._house.members[fault.target]
        began = time.time()
        await member.end()
        went = time.time()
        drained = replace(fault, kind=Kind.DRAIN_POD, armed="")
        self.struck.append(Struck(fault=drained, began=began, ended=went, went=went))
        if fault.kind is Kind.POINT:
            await self._run_into(member, fault)
        else:
            await member.start()

    async def _run_into(self, member: Member, fault: Fault) -> None:
        armed = {"RUNHOOK_FAULT_POINTS": fault.armed, "RUNHOOK_ENVIRONMENT": "development"}
        reached = await member.run_into(armed, "fault_point.reached", _POINT_SECONDS)
        began = time.time()
        if reached and f":{Action.PAUSE}" in fault.armed:
            await asyncio.sleep(PAUSE_SECONDS)
        if reached and f":{Action.DIE}" not in fault.armed:
            await member.get_ready()
        else:
            await member.kill()  # dead already, unless it never came there
            await member.start()
        self.struck.append(Struck(fault=fault, began=began, ended=time.time(), missed=not reached))

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
                with suppress(*AWAY_ERRORS):
                    await self._house.admin(f"alter database {NAME} allow_connections true")
                    return
                await asyncio.sleep(0.1)

    async def _upgrade(self) -> None:
        """Once more when the database is away, or when the lock did not come in time, as the release's job would."""
        async with asyncio.timeout(2 * _UNDO_SECONDS):
            while True:
                with suppress(*AWAY_ERRORS, FailedMigration):
                    await self._house.upgrade()
                    return
                await asyncio.sleep(0.2)
