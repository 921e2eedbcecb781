"""A run in the runner's hands: its lease, until when the lease can be trusted, and the wish to stop it.

The lease is trigger_svc's to give and to take; here is only what the runner must know to act on it without asking.
Times are the monotonic clock's.
"""

import asyncio
from dataclasses import dataclass, field

#: trigger_svc gives a started run up when its lease was not kept for this long.
LEASE_SECONDS = 30.0


@dataclass(slots=True, eq=False)
class HeldRun:
    """`kept_at` is when the newest call that kept the lease was sent; None before the start and after the finish."""

    run_id: int
    lease_id: int
    kept_at: float | None = None
    lost: bool = False
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def lose(self) -> None:
        """Somebody else has the run, or soon may: it is to be killed, and nothing is reported of it any more."""
        self.lost = True
        self.stop.set()

    def overdue(self, now: float, kill_seconds: float) -> bool:
        """Whether the run must be killed now in order to be dead before the lease can be another runner's."""
        return self.kept_at is not None and now > self.kept_at + LEASE_SECONDS - kill_seconds
