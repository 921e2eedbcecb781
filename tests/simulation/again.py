"""Finished deliveries that go back into the queue, by the rules of delivery_svc/store/{redelivery,recovery}.py."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulation.lanes import Lanes
from tests.simulation.rows import Final, Row


@dataclass(slots=True, kw_only=True)
class RecoveryRow:
    """A row of delivery.recovery. `wanted` is what had failed when it began, `moved` what it put back: the oracle's."""

    subscription_id: int
    until: float
    wanted: set[int]
    state: str = "RUNNING"
    after_published_at: float = 0.0
    after_id: int = 0
    moved: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Again:
    """The queue and the log of final rows are those of Tables. `rounds` has, by delivery, how many attempts there were each
    time that it was put back."""

    now: Callable[[], float]
    queue: dict[int, Row]
    finals: dict[int, Final]
    lanes: Lanes
    recoveries: dict[int, RecoveryRow] = field(default_factory=dict)
    rounds: dict[int, list[int]] = field(default_factory=dict)
    _moved: list[int] = field(default_factory=list)

    def redeliver(self, delivery_id: int) -> bool:
        """Whether it was put back: of two that ask one finds the final row."""
        final = self.finals.pop(delivery_id, None)
        if final is None:
            return False
        self._back(delivery_id, final, parked=False)
        return True

    def recover(self, subscription_id: int) -> bool:
        """Begins a recovery of all that was published until now, unless one runs."""
        if any(one.subscription_id == subscription_id and one.state == "RUNNING" for one in self.recoveries.values()):
            return False
        wanted = {
            one
            for one, final in self.finals.items()
            if final.subscription_id == subscription_id and final.state != "SUCCEEDED"
        }
        number = len(self.recoveries) + 1
        self.recoveries[number] = RecoveryRow(subscription_id=subscription_id, until=self.now(), wanted=wanted)
        return True

    def next(self, last: int, most_parked: int) -> dict[str, object] | None:
        """The recovery after that one, and around, whose lane has few parked rows."""
        running = [
            number
            for number, one in self.recoveries.items()
            if one.state == "RUNNING" and self._parked(one.subscription_id) < most_parked
        ]
        if not running:
            return None
        number = min(running, key=lambda one: (one <= last, one))
        one = self.recoveries[number]
        return {
            "recovery_id": number,
            "subscription_id": one.subscription_id,
            "published_since": 0.0,
            "published_until": one.until,
            "event_type": None,
            "job_id": None,
            "after_published_at": one.after_published_at,
            "after_id": one.after_id,
            "sendable": True,
        }

    def move(
        self,
        lane: int,
        since: float,
        until: float,
        after_at: float,
        after_id: int,
        event_type: None,
        job_id: None,
        limit: int,
    ) -> dict[str, object]:
        """Puts back, parked, the next batch of what failed."""
        picked = sorted(
            (final.published_at, one)
            for one, final in self.finals.items()
            if final.subscription_id == lane
            and final.state != "SUCCEEDED"
            and since <= final.published_at < until
            and (final.published_at, one) > (after_at, after_id)
        )[:limit]
        for _, delivery_id in picked:
            self._back(delivery_id, self.finals.pop(delivery_id), parked=True)
        if picked:
            self.lanes.touch(lane)
        published_at, last = picked[-1] if picked else (None, None)
        self._moved = [one for _, one in picked]
        return {"looked_at": len(picked), "moved": len(picked), "published_at": published_at, "id": last}

    def advance(self, number: int, moved: int, published_at: float | None, last: int | None, state: str) -> None:
        """The cursor goes on."""
        one = self.recoveries[number]
        if published_at is not None and last is not None:
            one.after_published_at, one.after_id = published_at, last
        one.state = state
        one.moved += self._moved

    def _parked(self, lane: int) -> int:
        return sum(row.parked for row in self.queue.values() if row.subscription_id == lane)

    def _back(self, delivery_id: int, final: Final, *, parked: bool) -> None:
        attempts = final.attempts
        self.rounds.setdefault(delivery_id, []).append(attempts)
        self.queue[delivery_id] = Row(
            delivery_id,
            final.subscription_id,
            final.published_at,
            self.now(),
            None,
            parked,
            attempts=attempts,
            redelivery=attempts,
        )
