"""An erasure: the stored bodies of an event, or of an account's events up to a time, taken out of the database bit by bit.

It walks in three phases, and each may rely on the one before. Once all events are erased, nothing can put one of their
deliveries back into the queue; once the queue has none of them left, no attempt of theirs is recorded any more; so the last
walk wipes all that was.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

#: What one step changes at most, and how many rows of all accounts it looks at for that.
BATCH = 500
WINDOW = 5000
MOST_LISTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class NewErasure:
    """What is asked for. `event_id` None: all of the account's; `published_before` None: now."""

    account_id: int
    event_id: str | None
    published_before: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One as it is now. `state` is RUNNING or FINISHED; `erased` counts events."""

    id: int
    account_id: int
    event_id: str | None
    state: str
    published_before: datetime
    erased: int
    created_at: datetime
    finished_at: datetime | None


class Phase(StrEnum):
    """What is walked."""

    EVENTS = "events"
    QUEUE = "queue"
    DELIVERIES = "deliveries"


@dataclass(frozen=True, slots=True)
class Place:
    """How far an erasure has come: the day that it walks (None: the first), in QUEUE when that began; and the last key."""

    phase: Phase = Phase.EVENTS
    moment: datetime | None = None
    key: str = ""

    @classmethod
    def read(cls, moment: datetime | None, text: str | None) -> Self:
        """As the row has it."""
        phase, _, key = (text or Phase.EVENTS).partition(" ")
        return cls(Phase(phase), moment, key)

    def __str__(self) -> str:
        return f"{self.phase} {self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step did: `place` None when there is nothing left; `waits` when it stopped at a delivery in a pod's hands."""

    place: Place | None
    erased: int = 0
    waits: bool = False
