"""The simulation sees what it is there to see: each rule broken on purpose is found within a few hundred histories."""

from collections.abc import Iterable

import pytest

from delivery_svc.beater import Beater
from delivery_svc.delivery import Settled
from delivery_svc.dispatcher import Dispatcher
from delivery_svc.intake import Intake
from delivery_svc.lane import Lane
from tests.simulation.history import History
from tests.simulation.pod import Pod
from tests.simulation.tables import Row, Tables


def found(*, tables: type[Tables] = Tables, pod: type[Pod] = Pod, within: int = 600) -> str:
    """What the first history says that finds the fault."""
    for seed in range(within):
        try:
            History(seed, tables=tables, pod=pod).run()
        except AssertionError as error:
            return f"{seed}: {error}"
    pytest.fail(f"{within} histories saw nothing")


def test_a_pod_without_a_fence_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Beater, "may_send", lambda self: True)
    assert "declared dead" in found()


def test_a_fence_longer_than_the_watch_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Beater.__init__

    def trusting(self: Beater, *arguments: object) -> None:
        made(self, *arguments)  # type: ignore[arg-type]
        self._trusted_for *= 4

    monkeypatch.setattr(Beater, "__init__", trusting)
    assert "declared dead" in found()


def test_a_fence_on_the_wall_clock_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulation.world._Clock.monotonic", lambda clock: clock.time())
    assert found()


def test_a_burial_of_the_living_is_found() -> None:
    class Hasty(Tables):
        def any_dead(self) -> bool:
            for pod in self.pods.values():
                if pod.dead_at is None and self.now() - pod.heartbeat_at > 2.5:
                    pod.dead_at = self.now()
            return super().any_dead()

    assert "declared dead" in found(tables=Hasty)


def test_waiting_deliveries_kept_behind_a_fence_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dispatcher, "drop_waiting", lambda self: 0)
    assert "declared dead" in found()


def test_a_release_before_the_commit_is_found() -> None:
    class Hasty(Pod):
        def _record(self, settled: Settled) -> None:
            self.dispatcher.release([settled.delivery.id])
            super()._record(settled)

    assert found(pod=Hasty)


def test_a_flush_that_is_not_repeated_is_found() -> None:
    class Forgetful(Pod):
        async def _write(self, group: list[Settled]) -> None:
            try:
                await super()._write(group)
            except ConnectionError:
                self.world.tell("forgets a flush")

    assert found(pod=Forgetful)


def test_a_row_parked_without_its_lane_is_found() -> None:
    class Careless(Tables):
        def _touch_lane(self, subscription_id: int) -> None:
            pass

    assert "not done" in found(tables=Careless)


def test_a_row_parked_twice_over_its_lease_is_found() -> None:
    class Twice(Tables):
        def let_go(self, group: list[Settled], *, parked: bool) -> None:
            super().let_go(group, parked=parked)
            for settled in group:
                row = self.queue.get(settled.delivery.id)
                if row is not None and parked:
                    row.lease_id = settled.delivery.epoch

    assert found(tables=Twice)


def test_a_claim_of_leased_rows_is_found() -> None:
    class Greedy(Tables):
        def _lease(self, rows: Iterable[Row], epoch: int) -> list[Row]:
            leased = [row for row in self.queue.values() if not row.parked][:4]
            for row in leased:
                row.lease_id = epoch
            return [row.seen() for row in leased]

    assert "again" in found(tables=Greedy) or "lease" in found(tables=Greedy)


def test_an_unknown_outcome_that_nobody_looks_after_is_found() -> None:
    class Trusting(Pod):
        def _suspect(self) -> None:
            pass

    assert "not done" in found(pod=Trusting)


def test_attempts_that_are_not_counted_on_are_found() -> None:
    class Forgetful(Tables):
        def claim(self, epoch: int, limit: int) -> list[Row]:
            rows = super().claim(epoch, limit)
            for row in rows:
                row.attempts = 0
            return rows

    assert "again" in found(tables=Forgetful)


def test_a_lane_over_its_limit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lane, "sendable", property(lambda lane: lane.waiting > 0))
    assert "in flight in a lane" in found()


def test_a_lane_that_goes_before_the_others_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def queue(self: Dispatcher, lane: Lane) -> None:
        if not lane.queued and lane.sendable:
            lane.queued = True
            self._ring.appendleft(lane)

    monkeypatch.setattr(Dispatcher, "_queue", queue)
    assert "starves" in found()


def test_room_that_forgets_what_is_reserved_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dispatcher, "room", property(lambda self: max(0, 2 * self.slots - len(self.held))))
    assert "holds" in found()


def test_a_repeated_flush_that_takes_a_later_lease_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Repeating(Tables):
        def _is_news(self, row: Row, number: int) -> bool:
            return True

    # Either rule alone saves nearly all of it.
    monkeypatch.setattr(Intake, "_put_off", lambda self, leased, epoch: leased)
    assert found(tables=Repeating, within=2500)
