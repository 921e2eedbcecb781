"""A recovery: all that failed of a subscription within a span of time, put back into the queue bit by bit."""

from dataclasses import dataclass
from datetime import datetime

#: No index has an event's type or job, so that what a count may look at is what bounds it.
MOST_COUNTED = 100_000
#: What one transaction looks at and moves, and how many parked rows of a subscription are enough for now.
BATCH = 200
MOST_PARKED = 1000
MOST_LISTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecovery:
    """What is asked for. `published_before` None: now; `event_type` None: every type; `job_id` None: every job."""

    account_id: int
    subscription_id: str
    published_after: datetime | None
    published_before: datetime | None
    event_type: str | None
    job_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """One as it is now. `state` is RUNNING, FINISHED or CANCELLED; `found` is of its beginning, among the oldest 100,000."""

    id: int
    account_id: int
    subscription_id: str
    state: str
    published_after: datetime
    published_before: datetime
    event_type: str | None
    job_id: int | None
    found: int
    requeued: int
    created_at: datetime
    finished_at: datetime | None
