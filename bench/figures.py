"""The figures of a bench, and how rounds become one number: the median, with the least and the greatest beside it.

Invariant: a ratio is taken inside a pair of rounds that ran one after the other, never between medians.
"""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

POSTGRES = "postgres"


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Over rounds."""

    median: float
    least: float
    greatest: float


def spread_of(values: Iterable[float]) -> Spread | None:
    """None when there is no value."""
    held = list(values)
    if not held:
        return None
    return Spread(median=statistics.median(held), least=min(held), greatest=max(held))


@dataclass(frozen=True, kw_only=True)
class BareRound:
    """The bare sender: requests per second, its CPU microseconds per request."""

    rate: float
    cpu_us: float


@dataclass(frozen=True, kw_only=True)
class ProductRound:
    """The platform under saturation, over a stretch in the middle of the round.

    `product_us` and `bench_us` are CPU microseconds per delivery by process name; `product_us` holds POSTGRES if its
    server runs here.
    """

    deliveries: int
    seconds: float
    product_us: Mapping[str, float]
    bench_us: Mapping[str, float]
    wal_bytes: float

    @property
    def rate(self) -> float:
        """Deliveries per second."""
        return self.deliveries / self.seconds

    @property
    def processes_us(self) -> float:
        """All product processes together, without Postgres."""
        return sum(us for name, us in self.product_us.items() if name != POSTGRES)

    @property
    def postgres_us(self) -> float | None:
        """All processes of Postgres; None when its server is elsewhere."""
        return self.product_us.get(POSTGRES)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A round of the bare sender and the round of the platform that followed it."""

    bare: BareRound
    product: ProductRound

    @property
    def rate_ratio(self) -> float:
        """Deliveries per second over the bare sender's requests per second."""
        return self.product.rate / self.bare.rate

    @property
    def delivery_cpu_ratio(self) -> float:
        """Deliveries per CPU-second of delivery_svc over the bare sender's requests per CPU-second."""
        return self.bare.cpu_us / self.product.product_us["delivery_svc"]

    @property
    def product_cpu_ratio(self) -> float:
        """The same over all product processes, without Postgres."""
        return self.bare.cpu_us / self.product.processes_us

    @property
    def postgres_cpu_ratio(self) -> float | None:
        """Postgres' CPU time per delivery over the bare sender's per request; None when its server is elsewhere."""
        postgres_us = self.product.postgres_us
        return None if postgres_us is None else postgres_us / self.bare.cpu_us


@dataclass(frozen=True, kw_only=True)
class Latency:
    """A run at a fixed rate: from the publish call to the arrival at the receiver, and to the publisher's answer.

    `late_p99_ms` is how far the publisher itself was behind its schedule: when it is large, the machine was too busy.
    """

    rate: float
    batch: int
    deliveries: int
    p50_ms: float | None
    p99_ms: float | None
    ack_p50_ms: float | None
    ack_p99_ms: float | None
    late_p99_ms: float | None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the two logs say of each other. `stray`: arrived, but never acknowledged to the publisher, or elsewhere."""

    published: int
    lost: int
    stray: int
    duplicates: int

    @property
    def failed(self) -> bool:
        """Whether they contradict each other; a duplicate is none."""
        return bool(self.lost or self.stray)


def verdict_of(published: set[tuple[int, str]], arrived: set[tuple[int, str]], duplicates: int) -> Verdict:
    """Compares (endpoint, event id) pairs of the publisher's log and of the receiver's."""
    return Verdict(
        published=len(published),
        lost=len(published - arrived),
        stray=len(arrived - published),
        duplicates=duplicates,
    )
