"""What Postgres keeps, as plain rows: pods, the queue, attempts and final rows, by the rules of delivery_svc/store
(lanes.py has the lanes, again.py what is delivered again).

One method is one statement (or one transaction). The states of a row are those of schema/migrations/0003_delivery.sql: free,
leased to an epoch, or parked, and never two of them at once.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from delivery_svc.breaker import BreakerPolicy
from delivery_svc.delivery import Settled
from delivery_svc.store.publishing import Room
from tests.simulation.again import Again
from tests.simulation.lanes import Lanes
from tests.simulation.rows import Final, PodRow, Row

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Tables:
    """All of it. `now` tells the database's time; `lost` hears of every lease that was taken away, with the delivery, the epoch
    and the cause; `probed_twice` of a lane with two probes out."""

    now: Callable[[], float]
    lost: Callable[[int, int, str], None]
    probed_twice: Callable[[int], None]
    pods: dict[int, PodRow] = field(default_factory=dict)
    queue: dict[int, Row] = field(default_factory=dict)
    attempts: dict[int, dict[int, int]] = field(default_factory=dict)  # number by id, by delivery
    finals: dict[int, Final] = field(default_factory=dict)
    requests: set[int] = field(default_factory=set)
    epochs: int = 0
    deliveries: int = 0
    lanes: Lanes = field(init=False)
    again: Again = field(init=False)

    def __post_init__(self) -> None:
        self.lanes = Lanes(self.now, self.probed_twice)
        self.again = Again(now=self.now, queue=self.queue, finals=self.finals, lanes=self.lanes)

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

    def bury(self, epoch: int) -> None:
        """Declares an epoch dead, whatever its heartbeat."""
        if epoch in self.pods and self.pods[epoch].dead_at is None:
            self.pods[epoch].dead_at = self.now()

    def leave(self, epoch: int) -> None:
        """Forgets an epoch."""
        self.pods.pop(epoch, None)

    # the queue, as in store/queue.py and store/lane.py

    def publish(self, request: int, wanted: list[int], room: Room) -> list[Row]:
        """Stores one event with one delivery for each subscription in `wanted`, once for each request: leased as far as there
        is room."""
        if request in self.requests:
            return []
        self.requests.add(request)
        born: list[Row] = []
        leased = 0
        taken: dict[int, int] = {}
        for ord, subscription_id in enumerate(wanted):
            taken[subscription_id] = taken.get(subscription_id, 0) + 1
            room_there = room.lanes.get(subscription_id, room.lane) if self.lanes.has_room(subscription_id) else 0
            parked = taken[subscription_id] > room_there
            lease = None if parked or leased >= room.total or ord >= room.events else room.epoch
            leased += lease is not None
            self.deliveries += 1
            now = self.now()
            born.append(Row(self.deliveries, subscription_id, now, now, lease, parked, seen_leased=now))
        for row in born:
            self.queue[row.id] = row
            if row.parked:
                self._touch_lane(row.subscription_id)
        return [row.seen() for row in born]

    def claim(self, epoch: int, limit: int, since: float | None) -> list[Row]:
        """Leases what is free and due, and was not due before `since`; oldest first."""
        begin, end = since or 0.0, self.now()
        free = [
            row for row in self.queue.values() if row.lease_id is None and not row.parked and begin <= row.due_at <= end
        ]
        return self._lease(sorted(free, key=_due)[:limit], epoch)

    def draw(self, epoch: int, lanes: list[int], rooms: list[int], limit: int) -> list[Row]:
        """Leases parked due rows of these lanes, from each at most its room."""
        now = self.now()
        drawn: list[Row] = []
        for lane, room in zip(lanes, rooms, strict=True):
            ready = [row for row in self._parked(lane) if row.due_at <= now]
            drawn += self._lease(ready[: min(room, limit - len(drawn))], epoch)
        for lane, rows in Counter(row.subscription_id for row in drawn).items():
            self.lanes.drawn(lane, rows)
        return drawn

    def set_next_due(self, lanes: list[int], probed: list[int], probe_seconds: float) -> list[dict[str, object]]:
        """When these are due again."""
        told: list[dict[str, object]] = []
        for lane in lanes:
            first = next((row.due_at for row in self._parked(lane)), None)
            due = self.lanes.set_next_due(lane, probe_seconds if lane in probed else None, first)
            told.append({"subscription_id": lane, "next_due_at": due})
        return told

    def note_health(
        self, *columns: list[int], failures: int, shortest: float, longest: float
    ) -> list[dict[str, object]]:
        """Notes what lanes' attempts showed, each by the breaker's rule."""
        policy = BreakerPolicy(failures=failures, shortest=shortest, longest=longest)
        told = [
            self.lanes.note(lane, began=began_us / 1e6, recovered=bool(recovered), failed=failed, policy=policy)
            for lane, _, began_us, _, _, recovered, failed in zip(*columns, strict=True)
        ]
        return [row for row in told if row is not None]

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
                if self._is_news(row, number) and (mine or (row.lease_id is None and settled.state == "SUCCEEDED")):
                    del self.queue[row.id]
                    self.finals[row.id] = Final(row.subscription_id, row.published_at, settled.state, number)
            elif mine and self._is_news(row, number):
                self._let_go(row)
                row.lease_id, row.attempts, row.due_at = None, number, self.now() + settled.delay

    def let_go(self, group: list[Settled], *, parked: bool) -> None:
        """Parks rows, or gives them back free."""
        epochs = {settled.delivery.epoch for settled in group}
        for settled in group:
            row = self.queue.get(settled.delivery.id)
            if row is None or row.lease_id not in epochs:
                continue
            self._let_go(row)
            row.lease_id, row.parked = None, parked
            if parked:
                self._touch_lane(row.subscription_id)
            else:
                row.due_at = min(row.due_at, self.now())

    def _is_news(self, row: Row, number: int) -> bool:
        return row.attempts < number

    def _let_go(self, row: Row) -> None:
        """A row is let go of. If its pod has it in hand, a later lease of the same epoch was taken away."""
        assert row.lease_id is not None
        self.lost(row.id, row.lease_id, "repeat")

    def _lease(self, rows: Iterable[Row], epoch: int) -> list[Row]:
        leased = list(rows)
        for row in leased:
            assert row.lease_id is None, f"delivery {row.id} is leased twice"
            row.lease_id, row.parked, row.seen_leased = epoch, False, self.now()
        return [row.seen() for row in leased]

    def _free(self, rows: list[Row], cause: str) -> int:
        for row in rows:
            assert row.lease_id is not None
            self.lost(row.id, row.lease_id, cause)
            row.lease_id, row.due_at = None, min(row.due_at, self.now())
        return len(rows)

    def _touch_lane(self, subscription_id: int) -> None:
        self.lanes.touch(subscription_id)

    def _parked(self, lane: int) -> list[Row]:
        return sorted((row for row in self.queue.values() if row.parked and row.subscription_id == lane), key=_due)


def moment(seconds: float) -> datetime:
    """The database's time as its driver gives it."""
    return EPOCH + timedelta(seconds=seconds)


def _due(row: Row) -> tuple[float, int]:
    return row.due_at, row.id
