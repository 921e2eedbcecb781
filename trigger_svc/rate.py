"""How many calls a second one trigger may have: an allowance that refills steadily and holds a second's worth, one at least.

Each pod counts for itself: it bounds what a trigger costs a pod, and to all pods together it is no more than a product.
"""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Allowance:
    """What a trigger has left, as of a moment on whatever clock goes steadily, in seconds."""

    left: float
    at: float

    @classmethod
    def full(cls, rate: float, now: float) -> "Allowance":
        """That of a trigger which had no call for a while."""
        return cls(left=max(rate, 1.0), at=now)

    def take(self, rate: float, now: float) -> float:
        """Takes one call; 0, or in how many seconds there will be one again."""
        self.left = min(max(rate, 1.0), self.left + (now - self.at) * rate)
        self.at = now
        if self.left < 1.0:
            return (1.0 - self.left) / rate
        self.left -= 1.0
        return 0.0
