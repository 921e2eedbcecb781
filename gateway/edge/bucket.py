"""Token buckets: so many a second for ever, and twice that at once after a quiet second or two.

A bucket is kept as the moment when it will be full again: that is its level and its clock in one number.
Invariant: a bounded number of them is kept, those least recently used go first; a bucket that is gone is a full one.
"""

from collections import OrderedDict
from collections.abc import Hashable

BURST_SECONDS = 2.0


def take(full_at: float, now: float, rate: float, burst: float) -> tuple[float, float]:
    """Takes one: (when the bucket is full then, 0.0), or (when it would have been, seconds until there is one to take)."""
    after = max(full_at, now) + 1 / rate
    wait = after - now - burst / rate
    return (after, 0.0) if wait < 1e-9 else (full_at, wait)


class Buckets:
    """A bucket for each key, `rate` a second; a rate of 0 is no limit."""

    def __init__(self, rate: float, most: int) -> None:
        self._rate = rate
        self._burst = max(1.0, rate * BURST_SECONDS)
        self._most = most
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._full_at

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: Hashable, now: float) -> float:
        """Takes one from the key's bucket: 0.0, or seconds until there is one to take."""
        if self._rate == 0:
            full_at, wait = now, 0.0
        else:
            full_at, wait = take(self._full_at.get(key, now), now, self._rate, self._burst)
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
        return wait

    def wait(self, key: Hashable, now: float) -> float:
        """Seconds until there is one to take, which is left there."""
        if self._rate == 0 or key not in self._full_at:
            return 0.0
        return take(self._full_at[key], now, self._rate, self._burst)[1]

    def forget(self, key: Hashable) -> None:
        """The key's bucket is a full one again."""
        self._full_at.pop(key, None)
