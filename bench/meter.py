"""A measured stretch of deliveries: what came, in which time, at which cost.

Invariant: every figure of a stretch is a difference between the same two moments.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from bench import cpu
from bench.control import Control, Seen
from bench.database import wal_bytes
from bench.figures import POSTGRES
from bench.programs import ProgramError


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One end of a stretch."""

    seen: Seen
    cpu_ns: dict[str, int]
    wal: int


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """`us` are CPU microseconds per delivery by process name."""

    deliveries: int
    seconds: float
    us: Mapping[str, float]
    wal_bytes: float

    @property
    def rate(self) -> float:
        """Deliveries per second."""
        return self.deliveries / self.seconds

    @property
    def pods_us(self) -> float:
        """All processes of delivery_svc together."""
        return sum(us for name, us in self.us.items() if name.startswith("delivery_svc"))

    @property
    def postgres_us(self) -> float:
        """All processes of Postgres. KeyError when its server is elsewhere."""
        return self.us[POSTGRES]


class Meter:
    """Watches the processes `pids` (by name), a receiver and the write-ahead log."""

    def __init__(
        self, control: Control, database: "asyncpg.Connection[asyncpg.Record]", pids: Mapping[str, int]
    ) -> None:
        self._control = control
        self._database = database
        self._pids = dict(pids)

    async def moment(self, seen: Seen | None = None) -> Moment:
        """Now; with what the receiver was just asked, if it was."""
        return Moment(
            seen=seen or await self._control.seen(),
            cpu_ns=cpu.trees_ns(self._pids),
            wal=await wal_bytes(self._database),
        )


def stretch(start: Moment, end: Moment) -> Stretch:
    """What lies between. ProgramError when nothing was delivered."""
    deliveries = end.seen.received - start.seen.received
    if deliveries == 0:
        raise ProgramError("nothing was delivered while it was measured")
    return Stretch(
        deliveries=deliveries,
        seconds=(end.seen.monotonic_ns - start.seen.monotonic_ns) / 1e9,
        us={name: (end.cpu_ns[name] - start.cpu_ns[name]) / 1000 / deliveries for name in start.cpu_ns},
        wal_bytes=(end.wal - start.wal) / deliveries,
    )
