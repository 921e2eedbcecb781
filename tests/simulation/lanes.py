"""Rows of delivery.lane, by the rules of delivery_svc/store/lane.py: when parked rows may be drawn, and the breaker.

The breaker's rule is the product's own noun; that the statement applies the same one is tested in
tests/integration/delivery_svc/test_breaker.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from delivery_svc.breaker import Breaker, BreakerPolicy, after

CLOSED = Breaker()
PROBE_SECONDS = 5.0  # until a probe must long have been told of


@dataclass(slots=True)
class LaneRow:
    """One of them. What begins with `seen_` is the oracle's: since when it is open or closed, and until when a probe is out."""

    next_due_at: float | None = None  # None: nothing is parked
    breaker: Breaker = CLOSED
    seen_opened: float = float("-inf")
    seen_closed: float = float("-inf")
    seen_probe_until: float = float("-inf")
    seen_probes: int = 0  # drawn and not yet sent

    @property
    def open_until(self) -> float | None:
        """Not None while the breaker is not closed."""
        return self.breaker.open_until


@dataclass(slots=True)
class Lanes:
    """All lanes. `probed_twice` hears of a second probe while one is out."""

    now: Callable[[], float]
    probed_twice: Callable[[int], None]
    rows: dict[int, LaneRow] = field(default_factory=dict)

    def get(self, lane: int) -> LaneRow:
        """A lane's row; one that was never touched is closed and empty."""
        row = self.rows.get(lane)
        if row is None:
            row = self.rows[lane] = LaneRow()
        return row

    def has_room(self, lane: int) -> bool:
        """Whether a publish may lease to it: nothing is parked, and the breaker is closed."""
        row = self.rows.get(lane)
        return row is None or (row.next_due_at is None and row.open_until is None)

    def touch(self, lane: int) -> None:
        """Something of it was parked."""
        row, now = self.get(lane), self.now()
        if row.open_until is None:
            row.next_due_at = now if row.next_due_at is None else min(row.next_due_at, now)
        elif row.next_due_at is None:
            row.next_due_at = max(row.open_until, now)

    def due(self, full: list[int], limit: int) -> list[dict[str, object]]:
        """Those that may be drawn from, and whether only for a probe."""
        now = self.now()
        due = [
            (row.next_due_at, lane, row.open_until is not None)
            for lane, row in self.rows.items()
            if row.next_due_at is not None
            and row.next_due_at <= now
            and lane not in full
            and (row.open_until is None or row.open_until <= now)
        ]
        return [{"subscription_id": lane, "half_open": half_open} for _, lane, half_open in sorted(due)[:limit]]

    def drawn(self, lane: int, rows: int) -> None:
        """The oracle's: so many rows were drawn of it, as probes when it is not closed."""
        row = self.get(lane)
        if row.open_until is None:
            return
        if self.now() < row.seen_probe_until:
            self.probed_twice(lane)
        row.seen_probe_until = self.now() + PROBE_SECONDS
        row.seen_probes += rows

    def set_next_due(self, lane: int, probe_seconds: float | None, first: float | None) -> float | None:
        """After a draw: past the probe that was drawn, else to the first that is still parked."""
        row = self.get(lane)
        if probe_seconds is not None:
            row.next_due_at = self.now() + probe_seconds
        elif first is None:
            row.next_due_at = None
        else:
            row.next_due_at = first if row.open_until is None else max(first, row.open_until)
        return row.next_due_at

    def note(
        self, lane: int, *, began: float, recovered: bool, failed: int, policy: BreakerPolicy
    ) -> dict[str, object] | None:
        """What a moment's attempts showed: what the statement tells of the lane, if anything."""
        row, now = self.get(lane), self.now()
        before, row.breaker = (
            row.breaker,
            after(row.breaker, recovered=recovered, failed=failed, began=began, now=now, policy=policy),
        )
        self._moved(row, before)
        if row.open_until is None and before.open_until is None:
            return None
        return {
            "subscription_id": lane,
            "public_id": str(lane),
            "opens": row.breaker.openings > (0 if recovered else before.openings),
            "openings": row.breaker.openings,
            "seconds": None if row.open_until is None else row.open_until - now,
        }

    def open_among(self, lanes: list[int]) -> list[dict[str, object]]:
        """Those whose breaker is not closed, and for how long it is open."""
        open_until = {lane: self.rows[lane].open_until for lane in lanes if lane in self.rows}
        return [
            {"subscription_id": lane, "seconds": until - self.now()}
            for lane, until in open_until.items()
            if until is not None
        ]

    def _moved(self, row: LaneRow, before: Breaker) -> None:
        now = self.now()
        if row.open_until == before.open_until:
            return
        row.seen_probe_until = float("-inf")
        if before.open_until is None:
            row.seen_opened = now
        elif row.open_until is None:
            row.seen_closed = now
        if row.next_due_at is not None:
            row.next_due_at = now if row.open_until is None else row.open_until
