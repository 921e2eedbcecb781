"""Rows of the simulated tables."""

from dataclasses import dataclass, replace


def account_of(subscription_id: int) -> int:
    """Whose it is: there are two accounts."""
    return subscription_id % 2 + 1


@dataclass(slots=True)
class Row:
    """A row of the queue. What begins with `seen_` is the oracle's."""

    id: int
    subscription_id: int
    published_at: float
    due_at: float
    lease_id: int | None
    parked: bool
    attempts: int = 0
    redelivery: int | None = None
    seen_leased: float = float("-inf")

    def seen(self) -> "Row":
        """As it is now: what a statement answers does not change when the row does."""
        return replace(self)


@dataclass(slots=True, frozen=True)
class Final:
    """A row of the log of deliveries."""

    subscription_id: int
    published_at: float
    state: str
    attempts: int


@dataclass(slots=True)
class PodRow:
    """A row of the pods. Times are the world's."""

    name: str
    heartbeat_at: float
    dead_at: float | None = None
