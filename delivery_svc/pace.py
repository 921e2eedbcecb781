"""A pace: so many a second, with a burst of one second at most. A pure rule of (tokens, now).

`now` is seconds on any clock that only moves forward.
"""


class Pace:
    """Tokens of one lane in this pod: full at first, one spent per attempt. Never more than a second's, or one."""

    __slots__ = ("_at", "_tokens", "per_second")

    def __init__(self, per_second: float, now: float) -> None:
        self.per_second = per_second
        self._at = now
        self._tokens = self.burst

    @property
    def burst(self) -> float:
        """How many may go at once after a rest."""
        return max(1.0, self.per_second)

    def tokens(self, now: float) -> float:
        """How many may go now; below 0 when more went than a pace that was lowered since allows."""
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.per_second)
        self._at = now
        return self._tokens

    def spend(self, now: float) -> None:
        """One goes."""
        self._tokens = self.tokens(now) - 1.0

    def change(self, per_second: float, now: float) -> None:
        """Another pace from now on."""
        self.tokens(now)
        self.per_second = per_second
