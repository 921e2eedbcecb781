"""How long things took: whole microseconds counted in buckets whose width is at most 1/64 of their value.

Invariant: every recorded value is in exactly one bucket, and two histograms subtract bucket by bucket, so the figures
of a stretch of time are the difference of its two ends.
"""

from collections.abc import Mapping

LONGEST = 2**40 - 1
_SIZE = 64 * 35


def bucket_of(value: int) -> int:
    """Number of the bucket that holds `value` (microseconds, 0 to LONGEST)."""
    shift = max(value.bit_length() - 7, 0)
    return (shift << 6) + (value >> shift)


def bounds_of(bucket: int) -> tuple[int, int]:
    """First value of a bucket and the first value beyond it, in microseconds."""
    shift = max((bucket >> 6) - 1, 0)
    low = (bucket - (shift << 6)) << shift
    return low, low + (1 << shift)


class Histogram:
    """Counts of values in microseconds; what is below 0 counts as 0, what is beyond LONGEST as LONGEST."""

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self._counts = [0] * _SIZE
        for bucket, count in (counts or {}).items():
            self._counts[bucket] = count

    def record(self, value: int) -> None:
        """Counts one value, in microseconds."""
        self._counts[bucket_of(min(max(value, 0), LONGEST))] += 1

    def counts(self) -> dict[int, int]:
        """Bucket to count, without the empty buckets."""
        return {bucket: count for bucket, count in enumerate(self._counts) if count}

    def since(self, earlier: "Histogram") -> "Histogram":
        """What was recorded after `earlier` was taken of the same source."""
        earlier_counts = earlier.counts()
        return Histogram({bucket: count - earlier_counts.get(bucket, 0) for bucket, count in self.counts().items()})

    def total(self) -> int:
        """How many values were recorded."""
        return sum(self._counts)

    def quantile_ms(self, share: float) -> float | None:
        """The value below which `share` (0 to 1) of the values lie, in milliseconds; None when there are none."""
        total = self.total()
        if total == 0:
            return None
        rank = max(1, -int(-share * total // 1))
        passed = 0
        for bucket, count in enumerate(self._counts):
            passed += count
            if passed >= rank:
                low, high = bounds_of(bucket)
                return (low + high) / 2 / 1000
        raise AssertionError("the buckets hold fewer values than their total")
