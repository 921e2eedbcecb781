"""What must hold in every history, told from what left the pods: POSTs, leases, attempts, final rows.

A loss is a lease that a pod did not let go of by itself, with its cause: death (the pod was killed), fence (declared dead
while it lived), unknown (a statement that its client took for lost was carried out after all), cut (its POST was under way
when the grace of a drain was over). Each loss explains one duplicate and no more.
"""

from collections import Counter, defaultdict
from collections.abc import Callable

from delivery_svc.delivery import Delivery
from tests.simulation.rows import Final, Row
from tests.simulation.tables import Tables
from tests.simulation.world import World

#: What a statement of the same epoch takes away, told twice ("repeat") or by a reconciliation ("regrip"): never excused.
WITHIN_AN_EPOCH = frozenset({"repeat", "regrip"})


#: Parked so often although its lane's breaker is closed and the lane has room: nobody tells the pod that it is.
PARKED_FOR_NOTHING = 3
#: Seconds that a row may be due in the quiet, its breaker closed, until somebody leases it.
LONGEST_WAIT = 60.0


class Violation(AssertionError):
    """A rule that did not hold."""


class Oracle:
    """`tables`, `in_hand` (deliveries that wait or are in flight under an epoch) and `delays` (how many retries, by
    subscription) are set by who makes them. Every method raises Violation."""

    tables: Tables
    delays: dict[int, int]
    in_hand: Callable[[int], set[int]]

    def __init__(self, world: World) -> None:
        self._world = world
        self.wanted: Counter[int] = Counter()  # deliveries that publishers were promised, by request
        self.sends: defaultdict[int, list[int]] = defaultdict(list)
        self.taken: set[int] = set()  # deliveries that an endpoint took
        self.losses: defaultdict[int, list[str]] = defaultdict(list)
        self.duplicates: Counter[str] = Counter()
        self.quiet_from = float("inf")
        self._explained: Counter[int] = Counter()
        self._parked: Counter[tuple[int, float]] = Counter()
        self._dead: set[int] = set()  # epochs of killed pods

    def lost(self, delivery_id: int, cause: str) -> None:
        """A lease was lost."""
        self._world.tell("lost", delivery_id, cause)
        if cause in WITHIN_AN_EPOCH:
            raise Violation(f"delivery {delivery_id} lost its lease for no good reason: {cause}")
        self.losses[delivery_id].append(cause)

    def killed(self, epoch: int, held: set[int]) -> None:
        """A pod was killed: what it held it will never tell of."""
        self._dead.add(epoch)
        for delivery_id in held & self.sends.keys():
            if delivery_id in self.tables.queue:
                self.lost(delivery_id, "death")

    def taken_away(self, delivery_id: int, epoch: int, cause: str) -> None:
        """A lease was taken from an epoch. What a killed pod held is lost already; what no pod holds is no loss."""
        if epoch not in self._dead and (cause not in WITHIN_AN_EPOCH or delivery_id in self.in_hand(epoch)):
            self.lost(delivery_id, cause)

    def held(self, held: set[int], reserved: int, slots: int) -> None:
        """A pod's room."""
        if reserved < 0 or len(held) + reserved > 2 * slots:
            raise Violation(f"a pod with {slots} slots holds {len(held)} and has reserved {reserved}")

    def cut(self, delivery_id: int) -> None:
        """A drain's grace was over: the POST may have arrived, and its delivery is given back."""
        self.lost(delivery_id, "cut")

    def left(self, epoch: int, held: set[int], *, clean: bool) -> None:
        """A drained pod is gone; what it still held it will never tell of."""
        self.killed(epoch, held)
        leased = [row for row in self.tables.queue.values() if row.lease_id == epoch]
        if leased and epoch not in self.tables.pods:
            raise Violation(f"a drained pod left leases that nobody frees: {leased}")
        if leased and clean:
            raise Violation(f"a pod that drained in time left leases: {leased}")

    def parked(self, delivery: Delivery, *, full: bool) -> None:
        """A delivery was leased and goes back, parked."""
        lane = self.tables.lanes.get(delivery.profile.subscription_id)
        row = self.tables.queue.get(delivery.id)
        if full or lane.open_until is not None or row is None or row.seen_leased <= lane.seen_closed:
            return
        self._parked[delivery.id, lane.seen_closed] += 1
        if self._parked[delivery.id, lane.seen_closed] >= PARKED_FOR_NOTHING:
            raise Violation(f"delivery {delivery.id} is parked again and again, and the breaker of its lane is closed")

    def looked(self) -> None:
        """Now and then, in the quiet: nothing that may be sent waits for long."""
        now = self._world.now
        for row in self.tables.queue.values():
            lane = self.tables.lanes.get(row.subscription_id)
            if row.lease_id is None and lane.open_until is None:
                since = max(row.due_at, lane.seen_closed, self.quiet_from)
                if now - since > LONGEST_WAIT:
                    raise Violation(f"a closed breaker's lane starves for {now - since:g} s: {row}")

    def probed_twice(self, lane: int) -> None:
        """A second probe, and the first is not told of yet."""
        raise Violation(f"lane {lane} is probed by two at once")

    def sent(self, delivery: Delivery, *, suspended: bool = False) -> None:
        """A POST is about to go out. A pod that was `suspended` with its clock cannot know better until it has beaten."""
        number = delivery.attempts + 1
        sends = self.sends[delivery.id]
        self._world.tell("sends", delivery.id, "number", number, "to", delivery.profile.subscription_id)
        pod = self.tables.pods.get(delivery.epoch)
        if not suspended and (pod is None or pod.dead_at is not None):
            raise Violation(f"delivery {delivery.id} is sent under epoch {delivery.epoch}, which was declared dead")
        row = self.tables.queue.get(delivery.id)
        if (row is None or row.lease_id != delivery.epoch) and not self.losses[delivery.id]:
            raise Violation(f"delivery {delivery.id} is sent without a lease: {row}")
        if row is not None and row.lease_id == delivery.epoch:
            self._left_alone(row)
        if number <= len(set(sends)):
            self._duplicate(delivery.id, number)
        elif number > len(set(sends)) + 1:
            raise Violation(f"delivery {delivery.id} is sent as number {number} after {sends}")
        if number > self._base(delivery.id) + self.delays[delivery.profile.subscription_id] + 1:
            raise Violation(f"delivery {delivery.id} is sent as number {number}, beyond the schedule")
        sends.append(number)

    def _left_alone(self, row: Row) -> None:
        """An open breaker's lane gets what was leased before it opened, and as many probes as were drawn."""
        lane = self.tables.lanes.get(row.subscription_id)
        if lane.open_until is None or row.seen_leased <= lane.seen_opened:
            return
        lane.seen_probes -= 1
        if lane.seen_probes < 0:
            raise Violation(f"delivery {row.id} is sent although the breaker was open when it was leased")

    def _base(self, delivery_id: int) -> int:
        """Attempts that there were when it was last put back: its schedule begins there."""
        rounds = self.tables.again.rounds.get(delivery_id)
        return rounds[-1] if rounds else 0

    def _duplicate(self, delivery_id: int, number: int) -> None:
        losses = self.losses[delivery_id]
        which = self._explained[delivery_id]
        if which >= len(losses):
            raise Violation(f"delivery {delivery_id} is sent as number {number} again, and only {losses} explains it")
        self._explained[delivery_id] += 1
        self.duplicates[losses[which]] += 1

    def ended(self) -> None:
        """All is quiet: what was published has ended as it should."""
        tables = self.tables
        if tables.queue:
            raise Violation(f"lost: {list(tables.queue.values())}")
        for request, deliveries in self.wanted.items():
            if request not in tables.requests:
                raise Violation(f"request {request} was answered and its {deliveries} deliveries are not there")
        for delivery_id in range(1, tables.deliveries + 1):
            final = tables.finals[delivery_id]
            self._ended(delivery_id, final)
        for recovery in tables.again.recoveries.values():
            if recovery.state != "FINISHED" or len(set(recovery.moved)) < len(recovery.moved):
                raise Violation(f"a recovery did not end as it should: {recovery}")
            left = [one for one in recovery.wanted if one not in tables.again.rounds]
            if left:
                raise Violation(f"a recovery left out {left}: {recovery}")

    def _ended(self, delivery_id: int, final: Final) -> None:
        state, attempts = final.state, final.attempts
        whole = self._base(delivery_id) + self.delays[final.subscription_id] + 1
        recorded = sorted(set(self.tables.attempts[delivery_id].values()))
        if recorded != list(range(1, len(recorded) + 1)):
            raise Violation(f"attempts of delivery {delivery_id} are numbered {recorded}")
        if attempts > len(recorded):
            raise Violation(f"delivery {delivery_id} says {attempts} attempts and has {recorded}")
        if state == "FAILED" and attempts != whole:
            raise Violation(f"delivery {delivery_id} FAILED after {attempts} attempts of {whole}")
        if state == "SUCCEEDED" and delivery_id not in self.taken:
            raise Violation(f"delivery {delivery_id} SUCCEEDED, and no endpoint took it")
        made, told = len(self.sends[delivery_id]), len(self.tables.attempts[delivery_id])
        untold = sum(self.losses[delivery_id].count(cause) for cause in ("death", "cut"))
        if made - told > untold:
            raise Violation(f"delivery {delivery_id} was sent {made} times and tells of {told}")
