"""A recovery: all that failed of a subscription within a span of time, put back into the queue bit by bit."""

from dataclasses import dataclass
from datetime import datetime

MOST_FOUND = 100_000
#: What one transaction moves, and how many parked rows of a subscription are enough for now.
BATCH = 200
MOST_PARKED = 1000
MOST_LISTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecovery:
    """What is asked for. `published_before` None: now; `event_type` None: every type."""

    account_id: int
    subscription_id: str
    published_after: datetime | None
    published_before: datetime | None
    event_type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """One as it is now. `state` is RUNNING, FINISHED or CANCELLED; `found` was counted up to 100,000 when it began."""

    id: int
    account_id: int
    subscription_id: str
    state: str
    published_after: datetime
    published_before: datetime
    event_type: str | None
    found: int
    requeued: int
    created_at: datetime
    finished_at: datetime | None
