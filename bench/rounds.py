"""The measured rounds: the bare sender, the platform under saturation, and the platform at a fixed rate.

Invariant: every figure of a product round is a difference between the same two moments, both inside the load, and every
round ends only when what it published has arrived or the wait for it is over.
"""

import asyncio
import time
from pathlib import Path

import asyncpg

from bench import programs
from bench.control import Control, Seen
from bench.figures import BareRound, Latency, ProductRound
from bench.meter import Meter, stretch
from bench.payload import Load
from bench.product import Product

DRAIN_SECONDS = 30
_BEGIN_SECONDS = 15
_LATENCY_WARM_SECONDS = 1.0


class Ground:
    """What all rounds share: the platform, the receiver, the database, and the log of what was acknowledged so far.

    `complete` is whether everything acknowledged had arrived at the end of the newest round.
    """

    def __init__(
        self,
        product: Product,
        receiver: programs.Receiver,
        database: "asyncpg.Connection[asyncpg.Record]",
        load: Load,
        folder: Path,
    ) -> None:
        self.product = product
        self.receiver = receiver
        self.database = database
        self.published: set[tuple[int, str]] = set()
        self.complete = True
        self._load = load
        self._folder = folder
        self._loads = 0
        self._product_pids = product.processes()

    async def bare(self, urls: list[str], seconds: float, connections: int) -> BareRound:
        """The bare sender against a receiver of its own."""
        figures = await programs.send_bare(urls, seconds, connections)
        return BareRound(rate=figures["rate"], cpu_us=figures["cpu_us_per_request"])

    async def saturated(self, warm_seconds: float, seconds: float) -> ProductRound:
        """The platform with as much to do as it takes."""
        load, ids = self._next_load()
        async with programs.publisher(self.product, load, self.receiver.control_url, ids) as publishing:
            await self._begun()
            await asyncio.sleep(warm_seconds)
            bench_pids = {"publisher": publishing.pid, "receiver": self.receiver.pid}
            meter = Meter(self.receiver.control, self.database, {**self._product_pids, **bench_pids})
            start = await meter.moment()
            await asyncio.sleep(seconds)
            end = await meter.moment()
            await publishing.finish()
        await self._drained(publishing)
        measured = stretch(start, end)
        return ProductRound(
            deliveries=measured.deliveries,
            seconds=measured.seconds,
            product_us={name: measured.us[name] for name in self._product_pids},
            bench_us={name: measured.us[name] for name in bench_pids},
            wal_bytes=measured.wal_bytes,
        )

    async def steady(self, rate: float, batch: int, seconds: float) -> Latency:
        """The platform at `rate` events a second; the first second is not measured."""
        load, ids = self._next_load()
        lasting = seconds + _LATENCY_WARM_SECONDS
        async with programs.publisher(
            self.product, load, self.receiver.control_url, ids, rate=rate, batch=batch, seconds=lasting
        ) as publishing:
            await self._begun()
            await asyncio.sleep(_LATENCY_WARM_SECONDS)
            start = await self.receiver.control.seen()
            summary = await publishing.finish(lasting + _BEGIN_SECONDS, now=False)
        end = await self._drained(publishing)
        latency = end.latency.since(start.latency)
        return Latency(
            rate=rate,
            batch=batch,
            deliveries=latency.total(),
            p50_ms=latency.quantile_ms(0.5),
            p99_ms=latency.quantile_ms(0.99),
            ack_p50_ms=summary["ack_p50_ms"],
            ack_p99_ms=summary["ack_p99_ms"],
            late_p99_ms=summary["late_p99_ms"],
        )

    async def _drained(self, publishing: programs.Publishing) -> Seen:
        self.published |= publishing.acknowledged()
        seen = await drained(self.receiver.control, len(self.published))
        self.complete = sum(seen.events_per_endpoint) >= len(self.published)
        return seen

    def _next_load(self) -> tuple[Load, Path]:
        self._loads += 1
        load = Load(
            account_id=self._load.account_id,
            first_job_id=self._load.first_job_id,
            endpoints=self._load.endpoints,
            prefix=f"{self._load.prefix}-{self._loads}",
        )
        return load, self._folder / f"{load.prefix}.ids"

    async def _begun(self) -> None:
        before = (await self.receiver.control.seen()).received
        give_up_at = time.monotonic() + _BEGIN_SECONDS
        while time.monotonic() < give_up_at:
            if (await self.receiver.control.seen()).received > before:
                return
            await asyncio.sleep(0.05)


async def drained(control: Control, published: int) -> Seen:
    """Waits until as many different events have arrived as were published, at most DRAIN_SECONDS."""
    give_up_at = time.monotonic() + DRAIN_SECONDS
    seen = await control.seen()
    while sum(seen.events_per_endpoint) < published and time.monotonic() < give_up_at:
        await asyncio.sleep(0.1)
        seen = await control.seen()
    return seen
