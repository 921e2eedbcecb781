"""The dispatcher: which delivery is sent next, and how many at once. Round robin over lanes, all callbacks, no tasks.

What the pod holds (waiting, in flight, sent but not yet recorded) stays below 2 x slots: held counts until its result is
committed, so a slow Postgres slows leasing by itself, and memory is bounded whatever the backlog.

Nothing waits in a lane that is shut because its breaker is open: what comes for it is parked, but for one probe when that
was drawn. The lane's row is the truth; what is known here only spans the time from a statement to its offer.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from delivery_svc.delivery import Delivery, Settled
from delivery_svc.lane import Lane
from delivery_svc.sending.exchange import Exchange

Send = Callable[[Delivery, Callable[[Exchange], None]], None]
Settle = Callable[[Delivery, Exchange], Settled]


class Dispatcher:
    """Holds deliveries in lanes and sends them.

    `send` begins a POST, `settle` judges its exchange, `record` takes what leaves this pod's hands, `may_send` is the pod's
    fence. `on_room` is called when something was released, `on_thirst` when a lane with parked rows has room again.
    """

    def __init__(
        self,
        *,
        slots: int,
        lane_limit: int,
        send: Send,
        settle: Settle,
        record: Callable[[Settled], None],
        may_send: Callable[[], bool],
    ) -> None:
        self.slots = slots
        self.lane_limit = lane_limit
        self.in_flight = 0
        self.held: set[int] = set()  # ids of deliveries
        self.reserved = 0
        self.on_room: Callable[[], None] = lambda: None
        self.on_thirst: Callable[[], None] = lambda: None
        self._send = send
        self._settle = settle
        self._record = record
        self._may_send = may_send
        self._lanes: dict[int, Lane] = {}
        self._ring: deque[Lane] = deque()
        self._shut: dict[int, float] = {}  # until when, on the monotonic clock, by subscription
        self._probes: set[int] = set()  # shut, but the next one of these may go
        self._closed = False

    @property
    def room(self) -> int:
        """How many more deliveries this pod may lease."""
        return 0 if self._closed else max(0, 2 * self.slots - len(self.held) - self.reserved)

    @property
    def waiting(self) -> int:
        """How many wait in lanes."""
        return sum(lane.waiting for lane in self._lanes.values())

    def lane_rooms(self) -> dict[int, int]:
        """Room of the lanes that hold something, by subscription; any other lane has 2 x lane_limit."""
        return {lane.subscription_id: lane.room for lane in self._lanes.values() if lane.waiting}

    def offer(self, deliveries: Iterable[Delivery]) -> None:
        """Takes held deliveries in and sends what may go. What its lane cannot hold goes back, parked."""
        for delivery in deliveries:
            subscription_id = delivery.profile.subscription_id
            if self._closed:
                self._record(Settled(delivery))
                continue
            if self._shut and self._is_shut(subscription_id):
                self._record(Settled(delivery, parked=True))
                continue
            lane = self._lane(subscription_id)
            if lane.room == 0:
                lane.thirsty = True
                self._record(Settled(delivery, parked=True))
            else:
                lane.push(delivery)
                self._queue(lane)
        self.pump()

    def pump(self) -> None:
        """Sends while there are slots, lanes in turn."""
        if not self._ring or not self._may_send():
            return
        while self._ring and self.in_flight < self.slots:
            lane = self._ring.popleft()
            lane.queued = False
            if lane.sendable:
                self._begin(lane, lane.pop())
                self._queue(lane)

    def hold(self, delivery_ids: Iterable[int]) -> None:
        """These are leased to this pod: they take room until they are released."""
        self.held.update(delivery_ids)

    def release(self, delivery_ids: Iterable[int]) -> None:
        """What these became is committed (or they are no longer this pod's): their room is free."""
        self.held.difference_update(delivery_ids)
        self.on_room()

    def mark_thirsty(self, subscription_ids: Iterable[int]) -> None:
        """These lanes have parked rows: `on_thirst` is called when one of them has room again."""
        for subscription_id in subscription_ids:
            self._lane(subscription_id).thirsty = True

    def shut_lanes(self, seconds: Mapping[int, float]) -> None:
        """The breakers of these are open for so long: what waits there is parked, and what is offered meanwhile."""
        if not seconds:
            return
        now = time.monotonic()
        self._shut = {one: until for one, until in self._shut.items() if until > now}
        self._probes &= self._shut.keys()
        for subscription_id, duration in seconds.items():
            self._shut[subscription_id] = now + duration
            lane = self._lanes.get(subscription_id)
            for delivery in lane.empty() if lane else ():
                self._record(Settled(delivery, parked=True))

    def probe_lanes(self, lanes: Iterable[int], seconds: float) -> None:
        """One delivery was drawn of each of these, to be sent; all else of them is parked for so many seconds."""
        shut = dict.fromkeys(lanes, seconds)
        self.shut_lanes(shut)
        self._probes.update(shut)

    def reopen_lanes(self, lanes: Iterable[int]) -> None:
        """The breakers of these are closed."""
        if self._shut:
            for subscription_id in lanes:
                self._shut.pop(subscription_id, None)
                self._probes.discard(subscription_id)

    def drop_waiting(self) -> int:
        """Forgets all that wait, without a word to Postgres: their lease is no longer this pod's. Returns how many."""
        dropped = [delivery.id for lane in self._lanes.values() for delivery in lane.empty()]
        self.release(dropped)
        return len(dropped)

    def give_back(self) -> None:
        """Takes nothing more and hands back what waits, for other pods; what is in flight goes on."""
        self._closed = True
        for lane in self._lanes.values():
            for delivery in lane.empty():
                self._record(Settled(delivery))

    def _is_shut(self, subscription_id: int) -> bool:
        if subscription_id in self._probes:
            self._probes.discard(subscription_id)
            return False
        return self._shut.get(subscription_id, float("-inf")) > time.monotonic()

    def _lane(self, subscription_id: int) -> Lane:
        lane = self._lanes.get(subscription_id)
        if lane is None:
            lane = self._lanes[subscription_id] = Lane(subscription_id, self.lane_limit)
        return lane

    def _queue(self, lane: Lane) -> None:
        if not lane.queued and lane.sendable:
            lane.queued = True
            self._ring.append(lane)

    def _begin(self, lane: Lane, delivery: Delivery) -> None:
        lane.in_flight += 1
        self.in_flight += 1

        def done(exchange: Exchange) -> None:
            lane.in_flight -= 1
            self.in_flight -= 1
            self._record(self._settle(delivery, exchange))
            self._queue(lane)
            self._look_after(lane)
            self.pump()

        self._send(delivery, done)

    def _look_after(self, lane: Lane) -> None:
        if lane.thirsty and lane.waiting <= lane.limit // 2:
            lane.thirsty = False
            self.on_thirst()
        elif lane.idle and not lane.queued:
            self._lanes.pop(lane.subscription_id, None)
