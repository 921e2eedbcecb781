"""A lane: a subscription's place in this pod's dispatcher. It bounds what one endpoint may hold of the pod.

A lane sends at most `limit` at once and lets at most 2 x `limit` wait: fewer where its endpoint is slow, no more than go within
half a second, and where its subscription has a rate, no more than may go by now. What is more is parked in Postgres, so that a
dead or slow endpoint fills its own lane and never the pod. First attempts go before retries. `now` is seconds on the monotonic
clock.
"""

from collections import deque

from delivery_svc.delivery import Delivery, Profile
from delivery_svc.pace import Pace

AHEAD_SECONDS = 0.5  # what waits in a slow lane is to go within
LEAST_WAITING = 2
AVERAGED = 8  # attempts


class Account:
    """An account's place in this pod's dispatcher: those of its lanes that may send, in turn."""

    __slots__ = ("busy_at", "id", "in_flight", "lanes", "queued")

    def __init__(self, account_id: int) -> None:
        self.id = account_id
        self.lanes: deque[Lane] = deque()
        self.in_flight = 0
        self.queued = False  # stands in the dispatcher's ring
        self.busy_at = float("-inf")  # when something of it was taken in last


class Lane:
    """What of one subscription is in this pod's hands. `own` says that its subscription has a limit or rate of its own."""

    __slots__ = (
        "_firsts",
        "_pace",
        "_retries",
        "_seconds",
        "account",
        "in_flight",
        "limit",
        "most_waiting",
        "own",
        "profile",
        "queued",
        "subscription_id",
        "thirsty",
    )

    def __init__(self, subscription_id: int, account: Account, limit: int) -> None:
        self.subscription_id = subscription_id
        self.account = account
        self.limit = limit
        self.most_waiting = 2 * limit
        self.own = False
        self.profile: Profile | None = None  # whose settings it follows
        self.in_flight = 0
        self.queued = False  # stands among its account's lanes
        self.thirsty = False  # has parked rows in Postgres: draw again when there is room
        self._pace: Pace | None = None
        self._seconds = 0.0  # an attempt, on average of late
        self._firsts: deque[Delivery] = deque()
        self._retries: deque[Delivery] = deque()

    @property
    def waiting(self) -> int:
        """How many wait to be sent."""
        return len(self._firsts) + len(self._retries)

    @property
    def sendable(self) -> bool:
        """Whether one may be sent now."""
        return self.in_flight < self.limit and (bool(self._firsts) or bool(self._retries))

    @property
    def idle(self) -> bool:
        """Whether nothing of it is here."""
        return self.in_flight == 0 and self.waiting == 0

    @property
    def slow(self) -> bool:
        """Whether fewer may wait than in a lane of which nothing is known."""
        return self.most_waiting < 2 * self.limit

    def room_at(self, now: float) -> int:
        """How many more may wait here now."""
        most = self.most_waiting if self._pace is None else min(self.most_waiting, int(self._pace.tokens(now)))
        return max(0, most - self.waiting)

    def took(self, seconds: float) -> None:
        """An attempt has ended after so long."""
        self._seconds += (seconds - self._seconds) / AVERAGED
        self._bound()

    def follow(self, profile: Profile, limit: int, pods: int, now: float) -> None:
        """Takes a profile's settings; `limit` is everybody's, and `pods` share the rate."""
        self.profile = profile
        self.limit = profile.concurrency or limit
        self._bound()
        self.own = profile.concurrency is not None or profile.rate_per_second is not None
        if profile.rate_per_second is None:
            self._pace = None
        elif self._pace is None:
            self._pace = Pace(profile.rate_per_second / pods, now)
        else:
            self._pace.change(profile.rate_per_second / pods, now)

    def _bound(self) -> None:
        most = 2 * self.limit
        if self._seconds * most > self.limit * AHEAD_SECONDS:
            most = max(LEAST_WAITING, int(self.limit * AHEAD_SECONDS / self._seconds))
        self.most_waiting = most

    def push(self, delivery: Delivery) -> None:
        """Lets a delivery wait."""
        (self._firsts if delivery.attempts == 0 else self._retries).append(delivery)

    def pop(self, now: float) -> Delivery:
        """The next to be sent. IndexError when none waits."""
        if self._pace is not None:
            self._pace.spend(now)
        return self._firsts.popleft() if self._firsts else self._retries.popleft()

    def empty(self) -> list[Delivery]:
        """Takes out all that wait."""
        waiting = [*self._firsts, *self._retries]
        self._firsts.clear()
        self._retries.clear()
        return waiting
