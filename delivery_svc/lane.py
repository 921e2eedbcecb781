"""A lane: a subscription's place in this pod's dispatcher. It bounds what one endpoint may hold of the pod.

A lane sends at most `limit` at once and lets at most 2 x `limit` wait; what is more is parked in Postgres, so that a dead
endpoint fills its own lane and never the pod. First attempts go before retries.
"""

from collections import deque

from delivery_svc.delivery import Delivery


class Lane:
    """What of one subscription is in this pod's hands."""

    __slots__ = ("_firsts", "_retries", "in_flight", "limit", "queued", "subscription_id", "thirsty")

    def __init__(self, subscription_id: int, limit: int) -> None:
        self.subscription_id = subscription_id
        self.limit = limit
        self.in_flight = 0
        self.queued = False  # stands in the dispatcher's ring
        self.thirsty = False  # has parked rows in Postgres: draw again when there is room
        self._firsts: deque[Delivery] = deque()
        self._retries: deque[Delivery] = deque()

    @property
    def waiting(self) -> int:
        """How many wait to be sent."""
        return len(self._firsts) + len(self._retries)

    @property
    def room(self) -> int:
        """How many more may wait here."""
        return max(0, 2 * self.limit - self.waiting)

    @property
    def sendable(self) -> bool:
        """Whether one may be sent now."""
        return self.in_flight < self.limit and self.waiting > 0

    @property
    def idle(self) -> bool:
        """Whether nothing of it is here."""
        return self.in_flight == 0 and self.waiting == 0

    def push(self, delivery: Delivery) -> None:
        """Lets a delivery wait."""
        (self._firsts if delivery.attempts == 0 else self._retries).append(delivery)

    def pop(self) -> Delivery:
        """The next to be sent. IndexError when none waits."""
        return self._firsts.popleft() if self._firsts else self._retries.popleft()

    def empty(self) -> list[Delivery]:
        """Takes out all that wait."""
        waiting = [*self._firsts, *self._retries]
        self._firsts.clear()
        self._retries.clear()
        return waiting
