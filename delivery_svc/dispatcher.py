"""The dispatcher: which delivery is sent next, and how many at once. Accounts in turn, then lanes of the account in turn; all
callbacks, no tasks.

What the pod holds (waiting, in flight, sent but not yet recorded) stays below 2 x slots: held counts until its result is
committed, so a slow Postgres slows leasing by itself, and memory is bounded whatever the backlog. While several accounts are
about, whoever has most slots leaves some to the others (share.py).

Nothing waits in a lane that is shut because its breaker is open: what comes for it is parked, but for one probe when that
was drawn. The lane's row is the truth; what is known here only spans the time from a statement to its offer.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from delivery_svc.delivery import Delivery, Profile, Settled
from delivery_svc.holding import Holding
from delivery_svc.lane import Account, Lane
from delivery_svc.sending.exchange import Exchange
from delivery_svc.share import allowance, claimable, may_take

Send = Callable[[Delivery, Callable[[Exchange], None]], None]
Settle = Callable[[Delivery, Exchange], Settled]
MOST_OWN = 1000  # lanes with settings of their own that are remembered while nothing of them is here
ABOUT_SECONDS = 60.0  # for which an account counts as one that may come again


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
        self.reserved = 0
        self.pods = 1  # that share a lane's rate
        self.on_room: Callable[[], None] = lambda: None
        self.on_thirst: Callable[[], None] = lambda: None
        self._send = send
        self._settle = settle
        self._record = record
        self._may_send = may_send
        self._holding = Holding()
        self.held = self._holding.ids  # of deliveries
        self._accounts: dict[int, Account] = {}
        self._crowded = False  # more than one account is about
        self._lanes: dict[int, Lane] = {}
        self._own: dict[int, Lane] = {}  # of these, the ones with settings of their own
        self._ring: deque[Account] = deque()
        self._shut: dict[int, float] = {}  # until when, on the monotonic clock, by subscription
        self._probes: dict[int, int] = {}  # shut, but so many may go all the same
        self._closed = False

    @property
    def room(self) -> int:
        """How many more deliveries this pod may lease."""
        return 0 if self._closed else max(0, 2 * self.slots - len(self.held) - self.reserved)

    @property
    def waiting(self) -> int:
        """How many wait in lanes."""
        return sum(lane.waiting for lane in self._lanes.values())

    def allowance(self, account_id: int) -> int:
        """How many more of an account this pod may lease."""
        return allowance(self._holding.by_account.get(account_id, 0), self.room)

    def claimable(self) -> int:
        """How many more may be leased by a statement that takes what comes, whosever it is."""
        return min(self.room, claimable(self._holding.by_account.values(), 2 * self.slots - self.reserved))

    def lane_rooms(self) -> dict[int, int]:
        """Room of the lanes that hold something, are slow or have settings of their own, by subscription; any other lane has
        2 x lane_limit."""
        now = time.monotonic()
        lanes = self._lanes.values()
        return {one.subscription_id: one.room_at(now) for one in lanes if one.waiting or one.slow or one.own}

    def offer(self, deliveries: Iterable[Delivery]) -> None:
        """Takes held deliveries in and sends what may go. What its lane cannot hold goes back, parked."""
        now = time.monotonic()
        for delivery in deliveries:
            subscription_id = delivery.profile.subscription_id
            if self._closed:
                self._record(Settled(delivery))
                continue
            if self._shut and self._turns_away(subscription_id):
                self._record(Settled(delivery, parked=True))
                continue
            lane = self._lane(delivery, now)
            if lane.room_at(now) == 0:
                lane.thirsty = True
                self._record(Settled(delivery, parked=True))
            else:
                lane.push(delivery)
                lane.account.busy_at = now
                self._queue(lane)
        self.pump()

    def pump(self) -> None:
        """Sends while there are slots: accounts in turn, but for those that must leave what is left to others."""
        if not self._ring or not self._may_send():
            return
        now = time.monotonic() if self._own else 0.0
        held_back: list[Account] = []
        while self._ring and self.in_flight < self.slots:
            account = self._ring.popleft()
            if self._crowded and not may_take(account.in_flight, self.slots - self.in_flight):
                held_back.append(account)
                continue
            lane = account.lanes.popleft()
            lane.queued = False
            if lane.sendable:
                self._begin(lane, lane.pop(now))
                self._queue(lane)
            if account.lanes:
                self._ring.append(account)
            else:
                account.queued = False
        self._ring.extend(held_back)

    def hold(self, accounts: Mapping[int, int]) -> None:
        """These are leased to this pod, accounts by delivery: they take room until they are released."""
        self._holding.hold(accounts)

    def release(self, delivery_ids: Iterable[int]) -> None:
        """What these became is committed (or they are no longer this pod's): their room is free."""
        self._holding.release(delivery_ids)
        self.on_room()

    def mark_thirsty(self, subscription_ids: Iterable[int]) -> None:
        """These lanes have parked rows: `on_thirst` is called when one of them has room again. One that is not here needs no
        word: nothing of it stands in the way of the next draw."""
        for subscription_id in subscription_ids:
            lane = self._lanes.get(subscription_id)
            if lane is not None:
                lane.thirsty = True

    def tidy(self, pods: int) -> None:
        """Once in a while: so many pods live, and who was long not here is forgotten."""
        now = time.monotonic()
        if pods != self.pods:
            self.pods = pods
            for lane in self._own.values():
                if lane.profile is not None:
                    lane.follow(lane.profile, self.lane_limit, pods, now)
        about = {one.id for one in self._accounts.values() if one.in_flight or now - one.busy_at < ABOUT_SECONDS}
        self._crowded = len(about) > 1
        kept = about | {lane.account.id for lane in self._lanes.values()}
        self._accounts = {key: one for key, one in self._accounts.items() if key in kept}

    def shut_lanes(self, seconds: Mapping[int, float]) -> None:
        """The breakers of these are open for so long: what waits there is parked, and what is offered meanwhile."""
        if not seconds:
            return
        now = time.monotonic()
        self._shut = {one: until for one, until in self._shut.items() if until > now}
        self._probes = {one: left for one, left in self._probes.items() if one in self._shut}
        for subscription_id, duration in seconds.items():
            self._shut[subscription_id] = now + duration
            lane = self._lanes.get(subscription_id)
            for delivery in lane.empty() if lane else ():
                self._record(Settled(delivery, parked=True))

    def probe_lanes(self, probes: Mapping[int, int], seconds: float) -> None:
        """So many deliveries were drawn of each of these, to be sent; all else of them is parked for so many seconds."""
        self.shut_lanes(dict.fromkeys(probes, seconds))
        self._probes.update(probes)

    def reopen_lanes(self, lanes: Iterable[int]) -> None:
        """The breakers of these are closed."""
        if self._shut:
            for subscription_id in lanes:
                self._shut.pop(subscription_id, None)
                self._probes.pop(subscription_id, None)

    def is_shut(self, subscription_id: int) -> bool:
        """Whether its breaker is open as far as this pod knows, probes under way or not."""
        return self._shut.get(subscription_id, float("-inf")) > time.monotonic()

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

    def _turns_away(self, subscription_id: int) -> bool:
        """Whether what is offered of it is parked; else it is one of its probes, or the lane is not shut."""
        probes = self._probes.get(subscription_id, 0)
        if probes:
            self._probes[subscription_id] = probes - 1
            return False
        return self.is_shut(subscription_id)

    def _lane(self, delivery: Delivery, now: float) -> Lane:
        """The delivery's lane, which follows its profile."""
        profile = delivery.profile
        lane = self._lanes.get(profile.subscription_id)
        if lane is None:
            account = self._account(delivery.event.account_id)
            lane = self._lanes[profile.subscription_id] = Lane(profile.subscription_id, account, self.lane_limit)
        if lane.profile is not profile:
            if lane.own or profile.concurrency is not None or profile.rate_per_second is not None:
                self._follow(lane, profile, now)
            lane.profile = profile
        return lane

    def _account(self, account_id: int) -> Account:
        account = self._accounts.get(account_id)
        if account is None:
            account = self._accounts[account_id] = Account(account_id)
            self._crowded = len(self._accounts) > 1
        return account

    def _follow(self, lane: Lane, profile: Profile, now: float) -> None:
        lane.follow(profile, self.lane_limit, self.pods, now)
        self._own.pop(lane.subscription_id, None)
        if lane.own:
            self._own[lane.subscription_id] = lane
        if len(self._own) > MOST_OWN:
            for other in [one for one in self._own.values() if one.idle and one is not lane][: MOST_OWN // 10]:
                del self._own[other.subscription_id]
                self._lanes.pop(other.subscription_id, None)

    def _queue(self, lane: Lane) -> None:
        if not lane.queued and lane.sendable:
            lane.queued = True
            lane.account.lanes.append(lane)
            self._stand(lane.account)

    def _stand(self, account: Account) -> None:
        if not account.queued:
            account.queued = True
            self._ring.append(account)

    def _begin(self, lane: Lane, delivery: Delivery) -> None:
        account = lane.account
        lane.in_flight += 1
        account.in_flight += 1
        self.in_flight += 1

        def done(exchange: Exchange) -> None:
            lane.in_flight -= 1
            account.in_flight -= 1
            self.in_flight -= 1
            lane.took(exchange.duration)
            self._record(self._settle(delivery, exchange))
            self._queue(lane)
            self._look_after(lane)
            self.pump()

        self._send(delivery, done)

    def _look_after(self, lane: Lane) -> None:
        if lane.thirsty and lane.waiting <= lane.most_waiting // 4:
            lane.thirsty = False
            self.on_thirst()
        elif lane.idle and not lane.queued and not lane.own:
            self._lanes.pop(lane.subscription_id, None)
