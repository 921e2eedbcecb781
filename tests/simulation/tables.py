"""What Postgres keeps, as plain rows: pods, the queue, its lanes, attempts and final rows, by the rules of delivery_svc/store.

One method is one statement (or one transaction). The states of a row are those of schema/migrations/0003_delivery.sql: free,
leased to an epoch, or parked, and never two of them at once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from delivery_svc.delivery import Settled
from delivery_svc.store.publishing import Room

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Row:
    """A row of the queue."""

    id: int
    subscription_id: int
    due_at: float
    lease_id: int | None
    parked: bool
    attempts: int = 0

    def seen(self) -> "Row":
        """As it is now: what a statement answers does not change when the row does."""
        return Row(self.id, self.subscription_id, self.due_at, self.lease_id, self.parked, self.attempts)


@dataclass(slots=True)
class PodRow:
    """A row of the pods. Times are the world's."""

    name: str
    heartbeat_at: float
    dead_at: float | None = None


@dataclass(slots=True)
class Tables:
    """All of it. `now` tells the database's time; `lost` hears of every lease that was taken away, with the delivery, the epoch
    and the cause."""

    now: Callable[[], float]
    lost: Callable[[int, int, str], None]
    pods: dict[int, PodRow] = field(default_factory=dict)
    queue: dict[int, Row] = field(default_factory=dict)
    lanes: dict[int, float] = field(default_factory=dict)  # next_due_at; none: nothing is parked
    attempts: dict[int, dict[int, int]] = field(default_factory=dict)  # number by id, by delivery
    finals: dict[int, tuple[str, int]] = field(default_factory=dict)  # state, attempts
    requests: set[int] = field(default_factory=set)
    told: dict[int, Settled] = field(default_factory=dict)  # what changed a row already, by its identity
    epochs: int = 0
    deliveries: int = 0

    # pods, as in store/pod.py

    def join(self, name: str) -> int:
        """A new epoch."""
        self.epochs += 1
        self.pods[self.epochs] = PodRow(name, self.now())
        return self.epochs

    def bury_namesakes(self, name: str, before: int) -> None:
        """Declares dead the epochs of that name before this one."""
        for epoch, pod in self.pods.items():
            if pod.name == name and epoch < before and pod.dead_at is None:
                pod.dead_at = self.now()

    def beat(self, epoch: int) -> datetime | None:
        """None when the epoch was declared dead."""
        pod = self.pods.get(epoch)
        if pod is None or pod.dead_at is not None:
            return None
        pod.heartbeat_at = self.now()
        return moment(pod.heartbeat_at)

    def living(self) -> list[dict[str, object]]:
        """Epochs and their heartbeats."""
        return [
            {"epoch": epoch, "heartbeat_at": moment(pod.heartbeat_at)}
            for epoch, pod in self.pods.items()
            if pod.dead_at is None
        ]

    def declare_dead(self, epoch: int, seen: datetime) -> int | None:
        """The epoch if its heartbeat still is what was seen."""
        pod = self.pods.get(epoch)
        if pod is None or pod.dead_at is not None or moment(pod.heartbeat_at) != seen:
            return None
        pod.dead_at = self.now()
        return epoch

    def any_dead(self) -> bool:
        """Whether one is dead and not yet forgotten."""
        return any(pod.dead_at is not None for pod in self.pods.values())

    def prune(self, seconds: float) -> None:
        """Forgets who has been dead for that long."""
        for epoch in [e for e, p in self.pods.items() if p.dead_at is not None and p.dead_at < self.now() - seconds]:
            del self.pods[epoch]

    # the queue, as in store/queue.py and store/lane.py

    def publish(self, request: int, wanted: list[int], room: Room) -> list[Row]:
        """Stores one delivery for each subscription in `wanted`, once for each request: leased as far as there is room."""
        if request in self.requests:
            return []
        self.requests.add(request)
        born: list[Row] = []
        leased = 0
        taken: dict[int, int] = {}
        for subscription_id in wanted:
            taken[subscription_id] = taken.get(subscription_id, 0) + 1
            full = subscription_id in self.lanes
            parked = full or taken[subscription_id] > room.lanes.get(subscription_id, room.lane)
            lease = None if parked or leased >= room.total else room.epoch
            leased += lease is not None
            self.deliveries += 1
            born.append(Row(self.deliveries, subscription_id, self.now(), lease, parked))
        for row in born:
            self.queue[row.id] = row
            if row.parked:
                self._touch_lane(row.subscription_id)
        return [row.seen() for row in born]

    def claim(self, epoch: int, limit: int) -> list[Row]:
        """Leases what is free and due, oldest first."""
        now = self.now()
        free = [row for row in self.queue.values() if row.lease_id is None and not row.parked and row.due_at <= now]
        return self._lease(sorted(free, key=_due)[:limit], epoch)

    def draw(self, epoch: int, room: Room) -> tuple[list[Row], list[int]]:
        """Leases parked rows of due lanes with room; the rows, and the lanes that have more."""
        now = self.now()
        drawn: list[Row] = []
        more: list[int] = []
        for lane in [lane for lane, due in self.lanes.items() if due <= now and room.lanes.get(lane, 1) > 0]:
            parked = sorted(
                (row for row in self.queue.values() if row.parked and row.subscription_id == lane), key=_due
            )
            ready = [row for row in parked if row.due_at <= now]
            taken = ready[: min(room.lanes.get(lane, room.lane), room.total - len(drawn))]
            drawn += self._lease(taken, epoch)
            if len(taken) < len(parked):
                self.lanes[lane] = parked[len(taken)].due_at
                more.append(lane)
            else:
                del self.lanes[lane]
        return drawn, more

    def rescue(self) -> int:
        """Frees the rows of dead epochs."""
        dead = {epoch for epoch, pod in self.pods.items() if pod.dead_at is not None}
        return self._free([row for row in self.queue.values() if row.lease_id in dead], "fence")

    def reconcile(self, epoch: int, held: frozenset[int]) -> int:
        """Frees rows that are leased to the epoch and not held."""
        return self._free(
            [row for row in self.queue.values() if row.lease_id == epoch and row.id not in held], "regrip"
        )

    # recording, as in store/recording.py

    def record(self, group: list[Settled]) -> None:
        """Appends attempts; takes the done off the queue and frees the others again."""
        epochs = {settled.delivery.epoch for settled in group}
        for settled in group:
            assert settled.attempt is not None
            number = settled.attempt.number
            self.attempts.setdefault(settled.delivery.id, {})[settled.attempt.id] = number
            row = self.queue.get(settled.delivery.id)
            if row is None:
                continue
            mine = row.lease_id in epochs
            if settled.state is not None:
                if mine or (row.lease_id is None and settled.state == "SUCCEEDED"):
                    del self.queue[row.id]
                    self.finals[row.id] = (settled.state, number)
            elif mine and self._is_news(row, number):
                self._changed(row, settled)
                row.lease_id, row.attempts, row.due_at = None, number, self.now() + settled.delay

    def let_go(self, group: list[Settled], *, parked: bool) -> None:
        """Parks rows, or gives them back free."""
        epochs = {settled.delivery.epoch for settled in group}
        for settled in group:
            row = self.queue.get(settled.delivery.id)
            if row is None or row.lease_id not in epochs:
                continue
            self._changed(row, settled)
            row.lease_id, row.parked = None, parked
            if parked:
                self._touch_lane(row.subscription_id)
            else:
                row.due_at = min(row.due_at, self.now())

    def _is_news(self, row: Row, number: int) -> bool:
        return row.attempts < number

    def _changed(self, row: Row, settled: Settled) -> None:
        """A row is let go. What let one go before has now taken a later lease of the same epoch away."""
        if id(settled) in self.told:
            assert row.lease_id is not None
            self.lost(row.id, row.lease_id, "repeat")
        self.told[id(settled)] = settled

    def _lease(self, rows: Iterable[Row], epoch: int) -> list[Row]:
        leased = list(rows)
        for row in leased:
            assert row.lease_id is None, f"delivery {row.id} is leased twice"
            row.lease_id, row.parked = epoch, False
        return [row.seen() for row in leased]

    def _free(self, rows: list[Row], cause: str) -> int:
        for row in rows:
            assert row.lease_id is not None
            self.lost(row.id, row.lease_id, cause)
            row.lease_id, row.due_at = None, min(row.due_at, self.now())
        return len(rows)

    def _touch_lane(self, subscription_id: int) -> None:
        self.lanes[subscription_id] = min(self.lanes.get(subscription_id, self.now()), self.now())


def moment(seconds: float) -> datetime:
    """The database's time as its driver gives it."""
    return EPOCH + timedelta(seconds=seconds)


def _due(row: Row) -> tuple[float, int]:
    return row.due_at, row.id
