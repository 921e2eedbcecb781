"""What must hold inside of a pod, looked at from outside: its room, its limits and rates, whose turn it is."""

from collections import defaultdict
from collections.abc import Callable

from delivery_svc.beater import Beater
from delivery_svc.delivery import Delivery
from delivery_svc.dispatcher import Dispatcher
from delivery_svc.lane import Account, Lane
from delivery_svc.share import may_take
from tests.simulation.oracle import Oracle, Violation


class Watch:
    """Told of what a pod does; every method raises Violation. `monotonic` is the pod's clock."""

    def __init__(
        self,
        oracle: Oracle,
        dispatcher: Dispatcher,
        beater: Beater,
        lane_limit: int,
        monotonic: Callable[[], float],
    ) -> None:
        self._oracle, self._dispatcher, self._beater = oracle, dispatcher, beater
        self._lane_limit = lane_limit
        self._monotonic = monotonic
        self._in_flight: defaultdict[int, int] = defaultdict(int)
        self._overtook: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
        self._tokens: dict[int, tuple[float, float]] = {}  # of lanes with a rate: how many, and when that was

    def waiting(self, epoch: int) -> set[int]:
        """Deliveries that wait in lanes under an epoch."""
        lanes = self._dispatcher._lanes.values()
        return {one.id for lane in lanes for one in (*lane._firsts, *lane._retries) if one.epoch == epoch}

    def look(self) -> None:
        """What holds between any two events of a pod."""
        dispatcher = self._dispatcher
        self._oracle.held(dispatcher.held, dispatcher.reserved, dispatcher.slots)
        if self._beater.may_send():
            for lane in self._may_go():
                raise Violation(f"lane {lane.subscription_id} waits while slots are free")

    def sent(self, delivery: Delivery) -> None:
        """A POST is about to go out."""
        lane, slots = delivery.profile.subscription_id, self._dispatcher.slots
        self._fair(self._dispatcher._lanes[lane])
        if delivery.attempts > 0 and self._dispatcher._lanes[lane]._firsts:
            raise Violation(f"lane {lane} sends a retry of delivery {delivery.id} while a first attempt waits")
        self._paced(delivery)
        self._in_flight[lane] += 1
        limit = delivery.profile.concurrency or self._lane_limit
        if self._in_flight[lane] > limit:
            raise Violation(f"{self._in_flight[lane]} in flight in a lane of {limit}")
        if sum(self._in_flight.values()) > slots:
            raise Violation(f"{sum(self._in_flight.values())} in flight in a pod of {slots}")

    def ended(self, delivery: Delivery) -> None:
        """A POST has an exchange."""
        self._in_flight[delivery.profile.subscription_id] -= 1

    def parked(self, delivery: Delivery) -> None:
        """The dispatcher did not keep it."""
        lane = self._dispatcher._lanes.get(delivery.profile.subscription_id)
        full = lane is not None and lane.waiting >= lane.most_waiting
        self._oracle.parked(delivery, full=full or delivery.profile.rate_per_second is not None)

    def fenced(self) -> None:
        """All that waits is dropped."""
        self._overtook.clear()

    def _may_go(self) -> list[Lane]:
        """Lanes of which something could be sent now."""
        dispatcher = self._dispatcher
        free = dispatcher.slots - dispatcher.in_flight
        if free <= 0:
            return []
        lanes = dispatcher._lanes.values()
        return [
            lane
            for lane in lanes
            if lane.sendable and (not dispatcher._crowded or may_take(lane.account.in_flight, free))
        ]

    def _paced(self, delivery: Delivery) -> None:
        """A rate is not exceeded, whatever a pod knows of others."""
        rate = delivery.profile.rate_per_second
        if rate is None:
            return
        lane, now = delivery.profile.subscription_id, self._monotonic()
        burst = max(1.0, rate)
        left, at = self._tokens.get(lane, (burst, now))
        left = min(burst, left + (now - at) * rate) - 1.0
        if left < -1e-6:
            raise Violation(f"lane {lane} is sent more than {rate:g} a second")
        self._tokens[lane] = left, now

    def _fair(self, sent: Lane) -> None:
        """While a lane has something that may go, no other of its account is served twice; and so of accounts."""
        account, lanes = sent.account, list(self._dispatcher._lanes.values())
        for lane in lanes:
            if lane.account is account:
                self._turn("lane", lane.subscription_id, sent.subscription_id, waits=lane.sendable)
        for other in {lane.account.id: lane.account for lane in lanes}.values():
            waits = self._has_turn(other) and any(lane.sendable for lane in lanes if lane.account is other)
            self._turn("account", other.id, account.id, waits=waits)

    def _turn(self, kind: str, one: int, served: int, *, waits: bool) -> None:
        overtook = self._overtook[kind, one]
        if one == served or not waits:
            overtook.clear()
        elif served in overtook:
            raise Violation(f"{kind} {one} starves: {kind} {served} was served twice meanwhile")
        else:
            overtook.add(served)

    def _has_turn(self, account: Account) -> bool:
        free = self._dispatcher.slots - self._dispatcher.in_flight + 1  # what is sent has its slot already
        return not self._dispatcher._crowded or may_take(account.in_flight, free)
