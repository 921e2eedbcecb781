"""What do endpoints that fail cost those that do not?

Nine tenths of the endpoints are healthy throughout. A round in calm: the others answer too. A round in trouble: the others
leave half of their deliveries unanswered, at random, until the timeout (so that breakers stay shut), and so does one more
endpoint, which has a backlog of `count` parked deliveries to draw from. Both rounds publish the same: to the healthy ones as
much as goes, and then at a fixed rate; to the others all the while a fixed rate, per endpoint what the healthy ones get at
theirs. In calm the backlog is there as well, but its lane is held back.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from bench import programs, stock
from bench.finding import Finding, Options, lost, spreads
from bench.goal import at_least, at_most
from bench.histogram import Histogram
from bench.meter import Meter, Stretch, stretch
from bench.payload import Load
from bench.rounds import DRAIN_SECONDS, drained
from bench.stage import Stage, new_load, stage
from bench.subscriptions import subscribed

THROUGHPUT = (0.85, None)
P99 = (2.0, None)
TIMEOUT_SECONDS = 2.0
TOLD = {
    "RUNHOOK_DELIVERY_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
    "RUNHOOK_DELIVERY_RETRY_DELAYS_SECONDS": "1,2,4",
    "RUNHOOK_DELIVERY_DEACTIVATE_AFTER_FAILURES": "0",
    "RUNHOOK_DELIVERY_DEACTIVATE_AFTER_SECONDS": "0",
}
WARM_SECONDS = 2 * TIMEOUT_SECONDS
_CALM_SECONDS = 60.0
_BATCH = 10
# Whoever has rows of the lane in hand may set it due again once more when it parks them.
HOLD = "update delivery.lane set next_due_at = 'infinity' where subscription_id = $1 and next_due_at < 'infinity'"
RELEASE = "update delivery.lane set next_due_at = clock_timestamp() where subscription_id = $1"
OTHERS_LEFT = "select exists (select from delivery.queue where not (parked and subscription_id = $1))"


@dataclass(frozen=True, kw_only=True)
class Round:
    """What the healthy ones got: deliveries per second when saturated (and the CPU microseconds of delivery_svc and Postgres
    for each), milliseconds from publish to receive at the fixed rate; and how many a second of the others' deliveries were
    tried meanwhile."""

    deliveries_per_second: float
    delivery_svc_us: float
    postgres_us: float
    p50_ms: float
    p99_ms: float
    others_per_second: float


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A round in calm and the round in trouble that followed it."""

    calm: Round
    trouble: Round

    @property
    def throughput_ratio(self) -> float:
        """In trouble over in calm."""
        return self.trouble.deliveries_per_second / self.calm.deliveries_per_second

    @property
    def p99_ratio(self) -> float:
        """In trouble over in calm."""
        return self.trouble.p99_ms / self.calm.p99_ms


def limit(options: Options) -> float:
    """Seconds that it takes at most."""
    a_round = 2 * (WARM_SECONDS + options.seconds + DRAIN_SECONDS)
    return 120 + options.count / 5000 + options.pairs * (2 * a_round + _CALM_SECONDS)


def set_up(options: Options) -> AbstractAsyncContextManager[Stage]:
    """A platform with a short timeout and short retries; its receiver has the healthy endpoints."""
    return stage(options.endpoints - _others(options), told=TOLD)


def _others(options: Options) -> int:
    return max(1, options.endpoints // 10)


async def run(here: Stage, options: Options) -> Finding:
    """Runs it."""
    others = _others(options)
    load = new_load(here.product, others + 1)
    async with (
        programs.receiver(others + 1) as receiver,
        subscribed(here.product, receiver.urls, load.first_job_id) as ids,
    ):
        *_, backlogged = await stock.numbers(here.database, ids)
        async with stock.stopped(here.product, here.database):
            await stock.lay_in(here.database, load, [backlogged], options.count, first_endpoint=others, parked=True)
            await here.database.execute(HOLD, backlogged)
        # What is published goes to the others alone; the one more has enough.
        rounds = Rounds(here, receiver, dataclasses.replace(load, endpoints=others), backlogged, options)
        await rounds.measured(min(options.seconds, 2.0))
        pairs = []
        for _ in range(options.pairs):
            calm = await rounds.measured(options.seconds)
            async with rounds.in_trouble():
                trouble = await rounds.measured(options.seconds)
            pairs.append(Pair(calm=calm, trouble=trouble))
        missing = rounds.published - await here.receiver.control.events()
    return found(pairs, len(missing), options.count)


class Rounds:
    """Rounds of the same load; `published` is all that was acknowledged for the healthy ones."""

    def __init__(self, here: Stage, receiver: programs.Receiver, load: Load, backlogged: int, options: Options) -> None:
        self.published: set[tuple[int, str]] = set()
        self._here = here
        self._others = receiver
        self._others_load = load
        self._backlogged = backlogged
        self._rate = options.rate
        self._others_rate = options.rate * load.endpoints / here.load.endpoints
        self._loads = 0

    @contextlib.asynccontextmanager
    async def in_trouble(self) -> AsyncIterator[None]:
        """The others flap and the backlog flows; afterwards all is calm again, or a minute is over."""
        await self._others.control.flap(on=True)
        await self._here.database.execute(RELEASE, self._backlogged)
        yield
        await self._others.control.flap(on=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CALM_SECONDS):
                await self._calmed()

    async def _calmed(self) -> None:
        quiet = 0
        while quiet < 5:
            await self._here.database.execute(HOLD, self._backlogged)
            busy = await self._here.database.fetchval(OTHERS_LEFT, self._backlogged)
            quiet = 0 if busy else quiet + 1
            await asyncio.sleep(0.2)

    async def measured(self, seconds: float) -> Round:
        """Saturated, then at the fixed rate."""
        saturated, others_rate, _ = await self._stretch(0.0, seconds)
        _, _, latency = await self._stretch(self._rate, seconds)
        return Round(
            deliveries_per_second=saturated.rate,
            delivery_svc_us=saturated.pods_us,
            postgres_us=saturated.postgres_us,
            others_per_second=others_rate,
            p50_ms=latency.quantile_ms(0.5) or 0.0,
            p99_ms=latency.quantile_ms(0.99) or 0.0,
        )

    async def _stretch(self, rate: float, seconds: float) -> tuple[Stretch, float, Histogram]:
        """The healthy ones' deliveries, how many of the others came a second, and the latency of the healthy ones."""
        meter = Meter(self._here.receiver.control, self._here.database, self._here.product.processes())
        others = self._others.control
        async with (
            self._publisher(self._here.load, self._here.receiver, rate, 100 if rate == 0 else _BATCH) as mine,
            self._publisher(self._others_load, self._others, self._others_rate, _BATCH) as theirs,
        ):
            await asyncio.sleep(WARM_SECONDS)
            start, others_start = await meter.moment(), await others.seen()
            await asyncio.sleep(seconds)
            end, others_end = await meter.moment(), await others.seen()
            await asyncio.gather(mine.finish(), theirs.finish())
        self.published |= mine.acknowledged()
        await drained(self._here.receiver.control, len(self.published))
        seen = stretch(start, end)
        return (
            seen,
            (others_end.received - others_start.received) / seen.seconds,
            end.seen.latency.since(start.seen.latency),
        )

    def _publisher(
        self, load: Load, receiver: programs.Receiver, rate: float, batch: int
    ) -> AbstractAsyncContextManager[programs.Publishing]:
        self._loads += 1
        load = dataclasses.replace(load, prefix=f"{load.prefix}-{self._loads}")
        ids = self._here.folder / f"{load.prefix}.ids"
        return programs.publisher(self._here.product, load, receiver.control_url, ids, rate=rate, batch=batch)


def found(pairs: list[Pair], missing: int, count: int) -> Finding:
    """Figures and goals."""
    figures = spreads(
        throughput_ratio=[pair.throughput_ratio for pair in pairs],
        p99_ratio=[pair.p99_ratio for pair in pairs],
        calm_deliveries_per_second=[pair.calm.deliveries_per_second for pair in pairs],
        trouble_deliveries_per_second=[pair.trouble.deliveries_per_second for pair in pairs],
        calm_delivery_svc_us=[pair.calm.delivery_svc_us for pair in pairs],
        trouble_delivery_svc_us=[pair.trouble.delivery_svc_us for pair in pairs],
        calm_postgres_us=[pair.calm.postgres_us for pair in pairs],
        trouble_postgres_us=[pair.trouble.postgres_us for pair in pairs],
        calm_p50_ms=[pair.calm.p50_ms for pair in pairs],
        trouble_p50_ms=[pair.trouble.p50_ms for pair in pairs],
        calm_p99_ms=[pair.calm.p99_ms for pair in pairs],
        trouble_p99_ms=[pair.trouble.p99_ms for pair in pairs],
        calm_others_per_second=[pair.calm.others_per_second for pair in pairs],
        trouble_others_per_second=[pair.trouble.others_per_second for pair in pairs],
    )
    text = f"healthy ones beside 10 % that time out half of the time and a backlog of {count:,}, over calm"
    return Finding(
        part="fairness",
        figures=figures,
        goals=[
            at_least(f"deliveries/s of {text}", *THROUGHPUT, figures["throughput_ratio"].median),
            at_most(f"p99 of {text}", *P99, figures["p99_ratio"].median),
        ],
        notes=[stock.NOTE, f"timeout {TIMEOUT_SECONDS:g} s instead of 10 s", "the others' own loss is not judged"],
        failures=lost(missing),
    )
