"""The simulation sees what it is there to see: each rule broken on purpose is found within a few hundred histories."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pytest

from delivery_svc import claimer, reconciler
from delivery_svc.beater import Beater
from delivery_svc.claimer import Claimer
from delivery_svc.delivery import Settled
from delivery_svc.dispatcher import Dispatcher
from delivery_svc.intake import Intake
from delivery_svc.lane import Account, Lane
from delivery_svc.pace import Pace
from delivery_svc.reconciler import Reconciler
from delivery_svc.store import lane as lane_store
from tests.simulation.again import Again
from tests.simulation.history import History
from tests.simulation.line import Line
from tests.simulation.pod import Pod
from tests.simulation.rows import Final, Row
from tests.simulation.tables import Tables


def found(
    *,
    tables: type[Tables] = Tables,
    pod: type[Pod] = Pod,
    first: int = 0,
    within: int = 600,
    unknown: float | None = None,
) -> str:
    """What the first history says that finds the fault, of so many from the seed `first` on. `unknown` is the chance that an
    outcome is, if not the history's."""
    for seed in range(first, first + within):
        history = History(seed, tables=tables, pod=pod)
        if unknown is not None:
            history.database.unknown = unknown
        try:
            history.run()
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


def test_a_flush_that_is_not_repeated_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Line.write

    async def once(line: Line, group: list[Settled]) -> None:
        with suppress(ConnectionError):
            await write(line, group)

    monkeypatch.setattr(Line, "write", once)
    assert found()


def test_a_row_parked_without_its_lane_is_found() -> None:
    class Careless(Tables):
        def _touch_lane(self, subscription_id: int) -> None:
            pass

    assert found(tables=Careless)


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


def test_an_unknown_outcome_that_nobody_looks_after_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reconciler, "suspect", lambda self: None)
    assert found()


def test_a_reconciler_that_gives_up_while_the_database_is_away_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    tick = Reconciler.tick

    async def in_time(self: Reconciler) -> None:
        if self._until is not None and vars(reconciler)["time"].monotonic() > self._until:
            self._until = None
        await tick(self)

    monkeypatch.setattr(Reconciler, "tick", in_time)
    assert found(first=600)


def test_attempts_that_are_not_counted_on_are_found() -> None:
    class Forgetful(Tables):
        def claim(self, epoch: int, limit: int, since: float | None) -> list[Row]:
            rows = super().claim(epoch, limit, since)
            for row in rows:
                row.attempts = 0
            return rows

    assert "again" in found(tables=Forgetful)


def test_a_claim_that_never_looks_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = Claimer._go_on

    def onward(self: Claimer, rows: list[Any]) -> None:
        go_on(self, rows)
        self._since = self._since or (rows[-1]["due_at"] if rows else vars(self).get("furthest"))
        vars(self)["furthest"] = self._since

    monkeypatch.setattr(claimer, "LARGEST_CLAIM", 2)
    monkeypatch.setattr(Claimer, "_go_on", onward)
    assert found()


def test_a_lane_over_its_limit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lane, "sendable", property(lambda lane: lane.waiting > 0))
    assert "in flight in a lane" in found()


def test_a_lane_that_goes_before_the_others_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def queue(self: Dispatcher, lane: Lane) -> None:
        if not lane.queued and lane.sendable:
            lane.queued = True
            lane.account.lanes.appendleft(lane)
            self._stand(lane.account)

    monkeypatch.setattr(Dispatcher, "_queue", queue)
    assert "starves" in found()


def test_room_that_forgets_what_is_reserved_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dispatcher, "room", property(lambda self: max(0, 2 * self.slots - len(self.held))))
    assert "holds" in found()


def test_a_repeated_flush_that_takes_a_later_lease_is_found() -> None:
    class Repeating(Tables):
        def _is_news(self, row: Row, number: int) -> bool:
            return True

    # What is leased again before it is released is put off, which saves nearly all of it.
    assert found(tables=Repeating, first=500, within=2500, unknown=0.6)


def test_an_account_that_goes_before_the_others_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def stand(self: Dispatcher, account: Account) -> None:
        if not account.queued:
            account.queued = True
            self._ring.appendleft(account)

    monkeypatch.setattr(Dispatcher, "_stand", stand)
    assert "starves" in found()


def test_a_retry_that_goes_first_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    pop = Lane.pop

    def retries_first(self: Lane, now: float) -> Any:
        if self._retries and self._pace is None:
            return self._retries.popleft()
        return pop(self, now)

    monkeypatch.setattr(Lane, "pop", retries_first)
    assert "while a first attempt waits" in found()


def test_a_rate_that_nobody_minds_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "spend", lambda self, now: None)
    assert "a second" in found()


def test_a_breaker_that_shuts_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dispatcher, "shut_lanes", lambda self, seconds: None)
    assert "breaker was open" in found()


def test_a_breaker_that_nobody_opens_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dispatcher, "reopen_lanes", lambda self, lanes: None)
    assert "parked again and again" in found(within=1500)


def test_probes_without_a_pause_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    set_next_due = lane_store.set_next_due

    async def forgetful(connection: Any, lanes: list[int], probed: list[int], seconds: float) -> Any:
        return await set_next_due(connection, lanes, [], seconds)

    monkeypatch.setattr(lane_store, "set_next_due", forgetful)
    assert "probed by two" in found()


def test_a_lane_that_starves_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parked rows are never due again once somebody has drawn some of them."""
    set_next_due = lane_store.set_next_due

    async def never(connection: Any, lanes: list[int], probed: list[int], seconds: float) -> Any:
        return await set_next_due(connection, lanes, lanes, 1000.0)

    monkeypatch.setattr(lane_store, "set_next_due", never)
    assert "starves" in found()


def test_a_drain_that_waits_for_no_statement_is_found() -> None:
    class Hasty(Pod):
        def _hands_empty(self) -> bool:
            return not self.dispatcher.in_flight

        async def _until(self, condition: Any, over: float) -> None:
            await super()._until(condition, min(over, self.world.now + self.shape.grace))

        def _clean(self) -> bool:
            return True

    assert "left leases" in found(pod=Hasty, within=2500)


def test_a_drain_that_keeps_what_waits_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dispatcher, "give_back", lambda self: setattr(self, "_closed", True))
    monkeypatch.setattr(Pod, "_clean", lambda self: True)
    assert "left leases" in found()


def test_room_below_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    unreserve = Intake.unreserve

    def twice(self: Intake, room: Any) -> None:
        unreserve(self, room)
        unreserve(self, room)

    monkeypatch.setattr(Intake, "unreserve", twice)
    assert "has reserved -" in found()


def test_a_redelivery_that_is_granted_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def redeliver(self: Again, delivery_id: int) -> bool:
        row = self.queue.get(delivery_id)
        if row is not None and row.redelivery is not None:
            row.lease_id = None
            return True
        final = self.finals.pop(delivery_id, None)
        if final is not None:
            self._back(delivery_id, final, parked=False)
        return final is not None

    monkeypatch.setattr(Again, "redeliver", redeliver)
    assert found(within=2500)


def test_a_recovery_that_leaves_some_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    back = Again._back

    def forgetful(self: Again, delivery_id: int, final: Final, *, parked: bool) -> None:
        if parked and delivery_id % 2:
            self.finals[delivery_id] = final
        else:
            back(self, delivery_id, final, parked=parked)

    monkeypatch.setattr(Again, "_back", forgetful)
    assert "left out" in found()


def test_what_is_given_back_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was once: by the time of the second telling the pod had leased the row again."""

    async def repeated(self: Line, group: list[Settled]) -> None:
        tables, run = self._database.tables, self._database.run
        attempted = [settled for settled in group if settled.attempt is not None]
        if attempted:
            await run(self._life, lambda: tables.record(attempted))
        for parked in (True, False):
            others = [one for one in group if one.attempt is None and one.parked is parked]
            if others:
                await run(self._life, lambda others=others, parked=parked: tables.let_go(others, parked=parked))  # type: ignore[misc]

    monkeypatch.setattr(Line, "write", repeated)
    # What is leased again before it is released is put off, which saves nearly all of it.
    assert found(first=700, within=2500, unknown=0.6)
