"""What must hold in every history, told from what left the pods: POSTs, leases, attempts, final rows.

A loss is a lease that a pod did not let go of by itself, with its cause: death (the pod was killed), fence (declared dead
while it lived), unknown (a statement that its client took for lost was carried out after all). Each loss explains one
duplicate and no more.
"""

from collections import Counter, defaultdict
from collections.abc import Callable

from delivery_svc.delivery import Delivery
from tests.simulation.tables import Tables
from tests.simulation.world import World

#: What a statement of the same epoch takes away, told twice ("repeat") or by a reconciliation ("regrip"): never excused.
WITHIN_AN_EPOCH = frozenset({"repeat", "regrip"})


class Violation(AssertionError):
    """A rule that did not hold."""


class Oracle:
    """`tables` and `in_hand` (deliveries that wait or are in flight under an epoch) are set by who makes them. Every method
    raises Violation."""

    tables: Tables
    in_hand: Callable[[int], set[int]]

    def __init__(self, world: World, delays: int) -> None:
        self._world = world
        self._delays = delays
        self.wanted: Counter[int] = Counter()  # deliveries that publishers were promised, by request
        self.sends: defaultdict[int, list[int]] = defaultdict(list)
        self.taken: set[int] = set()  # deliveries that an endpoint took
        self.losses: defaultdict[int, list[str]] = defaultdict(list)
        self.duplicates: Counter[str] = Counter()
        self._explained: Counter[int] = Counter()
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
        if len(held) + reserved > 2 * slots:
            raise Violation(f"a pod with {slots} slots holds {len(held)} and has reserved {reserved}")

    def sent(self, delivery: Delivery) -> None:
        """A POST is about to go out."""
        number = delivery.attempts + 1
        sends = self.sends[delivery.id]
        self._world.tell("sends", delivery.id, "number", number, "to", delivery.profile.subscription_id)
        pod = self.tables.pods.get(delivery.epoch)
        if pod is None or pod.dead_at is not None:
            raise Violation(f"delivery {delivery.id} is sent under epoch {delivery.epoch}, which was declared dead")
        row = self.tables.queue.get(delivery.id)
        if (row is None or row.lease_id != delivery.epoch) and not self.losses[delivery.id]:
            raise Violation(f"delivery {delivery.id} is sent without a lease: {row}")
        if number <= len(set(sends)):
            self._duplicate(delivery.id, number)
        elif number > len(set(sends)) + 1:
            raise Violation(f"delivery {delivery.id} is sent as number {number} after {sends}")
        if number > self._delays + 1:
            raise Violation(f"delivery {delivery.id} is sent as number {number}, beyond the schedule")
        sends.append(number)

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
            state, attempts = tables.finals[delivery_id]
            self._ended(delivery_id, state, attempts)

    def _ended(self, delivery_id: int, state: str, attempts: int) -> None:
        recorded = sorted(set(self.tables.attempts[delivery_id].values()))
        if recorded != list(range(1, len(recorded) + 1)):
            raise Violation(f"attempts of delivery {delivery_id} are numbered {recorded}")
        if attempts > len(recorded):
            raise Violation(f"delivery {delivery_id} says {attempts} attempts and has {recorded}")
        if state == "FAILED" and attempts != self._delays + 1:
            raise Violation(f"delivery {delivery_id} FAILED after {attempts} attempts of {self._delays + 1}")
        if state == "SUCCEEDED" and delivery_id not in self.taken:
            raise Violation(f"delivery {delivery_id} SUCCEEDED, and no endpoint took it")
        made, told = len(self.sends[delivery_id]), len(self.tables.attempts[delivery_id])
        if made - told > self.losses[delivery_id].count("death"):
            raise Violation(f"delivery {delivery_id} was sent {made} times and tells of {told}")
