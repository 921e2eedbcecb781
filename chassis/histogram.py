"""Histograms: buckets in which milliseconds can be told apart, and a histogram that takes a whole group of values at once.

What prometheus_client does for one observation (two locks, a walk over the buckets) costs more than a microsecond. A
hot path that has a thousand values at hand sorts them into buckets itself and pays a tenth.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

#: Seconds, for what is usually done within milliseconds.
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_FEW = 32  # from here on sorting is cheaper than looking for every value's bucket


class GroupChild:
    """The counts under one set of label values. One thread observes; any may read."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe_all(self, values: Sequence[float]) -> None:
        """Counts every one of the values."""
        counts, bounds = self._counts, self._bounds
        if len(values) < _FEW:
            for value in values:
                counts[bisect_left(bounds, value)] += 1
        else:
            before = 0
            ordered = sorted(values)
            for place, bound in enumerate(bounds):
                until = bisect_right(ordered, bound, before)
                counts[place] += until - before
                before = until
            counts[-1] += len(ordered) - before
        self._sum += sum(values)

    def read(self) -> tuple[list[tuple[str, float]], float]:
        """(upper bound, how many are at most that) of each bucket, the last one being +Inf; and the sum of all values."""
        buckets = []
        reached = 0
        bounds = (*self._bounds, float("inf"))
        for bound, count in zip(bounds, list(self._counts), strict=True):
            reached += count
            buckets.append((floatToGoString(bound), float(reached)))  # type: ignore[no-untyped-call]
        return buckets, self._sum


class GroupHistogram(Collector):
    """A histogram beside prometheus_client's own. `buckets` are upper bounds, rising. ValueError for a name that is taken."""

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        *,
        buckets: Sequence[float] = SECONDS,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._labelnames = tuple(labelnames)
        self._bounds = tuple(buckets)
        self._children: dict[tuple[str, ...], GroupChild] = {}
        registry.register(self)

    def labels(self, *values: str) -> GroupChild:
        """The child of these label values, made when it is asked for first: to be bound once."""
        if len(values) != len(self._labelnames):
            raise ValueError(f"{self._name} has the labels {self._labelnames}")
        return self._children.setdefault(values, GroupChild(self._bounds))

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """What a scrape shows."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labelnames)
        for values, child in list(self._children.items()):
            buckets, total = child.read()
            family.add_metric(values, buckets, total)
        yield family
