"""A run in the runner's hands: its lease, until when the lease can be trusted, and the wish to stop it.

The lease is trigger_svc's to give and to take; here is only what the runner must know to act on it without asking.
Times are the monotonic clock's.
"""

import asyncio
from dataclasses import dataclass, field

#: How long a lease lasts where trigger_svc does not say.
LEASE_SECONDS = 30.0


@dataclass(slots=True, eq=False)
class HeldRun:
    """`kept_at` is when the newest call that kept the lease was sent; None before the start and after the finish."""

    run_id: int
    lease_id: int
    lease_seconds: float = LEASE_SECONDS
    kept_at: float | None = None
    lost: bool = False
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def lose(self) -> None:
        """Somebody else has the run, or soon may: it is to be killed, and nothing is reported of it any more."""
        self.lost = True
        self.stop.set()

    def beat_due(self, now: float, beat_seconds: float) -> bool:
        """Whether the lease is to be kept now: after `beat_seconds`, or a third of a lease that is shorter than three."""
        return self.kept_at is not None and now >= self.kept_at + min(beat_seconds, self.lease_seconds / 3)

    def overdue(self, now: float, kill_seconds: float) -> bool:
        """Whether the run must be killed now in order to be dead before the lease can be another runner's."""
        margin = min(kill_seconds, self.lease_seconds / 3)
        return self.kept_at is not None and now > self.kept_at + self.lease_seconds - margin
