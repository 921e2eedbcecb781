"""Who is sent next, and how many at once: accounts and lanes in turn, a subscription's own limits, fair shares of slots."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from delivery_svc.delivery import Delivery, Profile, Settled
from delivery_svc.dispatcher import Dispatcher
from delivery_svc.event import Event
from delivery_svc.lane import LEAST_WAITING
from delivery_svc.sending.exchange import ErrorClass, Exchange

OK = Exchange(200, ErrorClass.NONE, "", None, b"", 0.01)


class Desk:
    """A dispatcher whose POSTs are answered by hand."""

    def __init__(self, slots: int = 8, lane_limit: int = 4) -> None:
        self.sent: list[Delivery] = []
        self.open: list[tuple[Delivery, Callable[[Exchange], None]]] = []
        self.parked: list[int] = []
        self._ids = 0
        self.dispatcher = Dispatcher(
            slots=slots,
            lane_limit=lane_limit,
            send=self._send,
            settle=lambda delivery, exchange: Settled(delivery, state="SUCCEEDED"),
            record=self._record,
            may_send=lambda: True,
        )

    def offer(self, profile: Profile, account: int, count: int = 1) -> None:
        """So many deliveries of a subscription."""
        event = Event("wev_1", account, "job.run.completed", 1, 0, b"{}")
        first, self._ids = self._ids, self._ids + count
        made = [Delivery(first + n, event, profile, "", 0, 0, 1) for n in range(1, count + 1)]
        self.dispatcher.hold({one.id: account for one in made})
        self.dispatcher.offer(made)

    def answer(self, seconds: float = OK.duration) -> None:
        """The oldest POST is answered, after so long."""
        _, done = self.open.pop(0)
        done(replace(OK, duration=seconds))

    def answer_all(self) -> None:
        """All of them are, until nothing is in flight."""
        while self.open:
            self.answer()

    def accounts(self) -> str:
        """Of what was sent, in order."""
        return "".join(str(one.event.account_id) for one in self.sent)

    def _send(self, delivery: Delivery, done: Callable[[Exchange], None]) -> None:
        self.sent.append(delivery)
        self.open.append((delivery, done))

    def _record(self, settled: Settled) -> None:
        if settled.parked:
            self.parked.append(settled.delivery.profile.subscription_id)
        self.dispatcher.release([settled.delivery.id])


def profile(subscription_id: int, concurrency: int | None = None, rate: float | None = None) -> Profile:
    """A subscription's."""
    return Profile(
        subscription_id=subscription_id,
        version=1,
        public_id="",
        name="",
        endpoint=None,
        secrets=(),
        unsendable="",
        concurrency=concurrency,
        rate_per_second=rate,
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, moved by hand."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_accounts_go_in_turn_however_many_lanes_one_has() -> None:
    desk = Desk(slots=1)
    for lane in range(1, 7):
        desk.offer(profile(lane), 1)
    desk.offer(profile(10), 2, 3)
    desk.answer_all()
    assert desk.accounts() == "112121211"  # one was in flight before the second account came


def test_lanes_of_an_account_go_in_turn() -> None:
    desk = Desk(slots=1)
    desk.offer(profile(1), 1, 3)
    desk.offer(profile(2), 1, 3)
    desk.answer_all()
    assert [one.profile.subscription_id for one in desk.sent] == [1, 1, 2, 1, 2, 2]


def test_an_account_that_is_alone_uses_all_slots_and_beside_others_leaves_some() -> None:
    desk = Desk(slots=64)
    for lane in range(1, 41):
        desk.offer(profile(lane), 1, 4)
    assert len(desk.sent) == 64
    desk.offer(profile(100), 2)
    for _ in range(8):
        desk.answer()
    assert desk.accounts().count("2") == 1
    desk.offer(profile(101), 2)  # and from now on finds a slot at once
    assert desk.accounts().count("2") == 2
    assert Counter(one.event.account_id for one, _ in desk.open)[1] <= 56
    desk.answer_all()
    assert desk.accounts().count("1") == 160


def test_an_account_that_stays_away_no_longer_takes_slots_from_the_one_that_is_alone(clock: list[float]) -> None:
    desk = Desk(slots=64)
    desk.offer(profile(100), 2)
    desk.answer_all()
    clock[0] += 61
    desk.dispatcher.tidy(1)
    for lane in range(1, 41):
        desk.offer(profile(lane), 1, 4)
    assert len(desk.open) == 64


def test_the_room_that_an_account_may_lease_leaves_some_to_others() -> None:
    desk = Desk(slots=512)
    desk.dispatcher.hold(dict.fromkeys(range(896), 1))
    assert desk.dispatcher.allowance(1) == 0
    assert desk.dispatcher.allowance(2) == 112
    assert desk.dispatcher.claimable() == 0
    desk.dispatcher.release(range(400))
    assert desk.dispatcher.claimable() == 400
    assert desk.dispatcher.room == 528


def test_a_lane_has_its_subscriptions_own_limit_and_publish_is_told_of_its_room() -> None:
    desk = Desk(slots=64)
    desk.offer(profile(1, concurrency=2), 1, 10)
    assert (len(desk.open), len(desk.parked)) == (2, 6)  # of what is offered at once twice the limit waits
    assert desk.dispatcher.lane_rooms() == {1: 2}
    desk.answer_all()
    assert desk.dispatcher.lane_rooms() == {1: 4}  # it is remembered: any other lane would have 8


def test_a_changed_profile_changes_its_lane_at_the_next_offer() -> None:
    desk = Desk(slots=64)
    narrow = profile(1, concurrency=1)
    desk.offer(narrow, 1, 2)
    assert len(desk.open) == 1
    desk.offer(replace(narrow, version=2, concurrency=3), 1)
    assert len(desk.open) == 3
    desk.offer(profile(1), 1, 2)
    assert len(desk.open) == 4
    desk.answer_all()
    assert desk.dispatcher.lane_rooms() == {}


def test_what_exceeds_a_rate_is_parked_and_the_lane_says_when_it_has_room(clock: list[float]) -> None:
    desk = Desk(slots=64, lane_limit=16)
    desk.offer(profile(1, rate=5.0), 1, 12)
    assert (len(desk.open), len(desk.parked)) == (5, 7)
    desk.answer_all()
    assert desk.dispatcher.lane_rooms() == {1: 0}
    clock[0] += 0.5
    assert desk.dispatcher.lane_rooms() == {1: 2}
    desk.offer(profile(1, rate=5.0), 1, 3)
    assert (len(desk.sent), len(desk.parked)) == (7, 8)
    clock[0] += 60
    assert desk.dispatcher.lane_rooms() == {1: 5}  # a burst of one second


def test_pods_share_a_rate(clock: list[float]) -> None:
    desk = Desk(slots=64, lane_limit=16)
    desk.offer(profile(1, rate=6.0), 1, 6)
    desk.dispatcher.tidy(3)
    clock[0] += 1
    assert desk.dispatcher.lane_rooms() == {1: 2}


def test_a_wait_of_the_pod_lets_no_more_through_than_a_burst(clock: list[float]) -> None:
    desk = Desk(slots=1, lane_limit=16)
    desk.offer(profile(9), 2)  # takes the slot
    limited = profile(1, rate=5.0)
    for _ in range(40):
        desk.offer(limited, 1)
        clock[0] += 0.25
    desk.answer_all()
    assert sum(one.profile.subscription_id == 1 for one in desk.sent) == 5


def test_lanes_with_settings_of_their_own_are_remembered_up_to_a_bound() -> None:
    desk = Desk()
    for lane in range(1500):
        desk.offer(profile(lane, concurrency=1), 1)
        desk.answer_all()
    assert 900 <= len(desk.dispatcher.lane_rooms()) <= 1000


def test_so_many_probes_go_and_the_rest_is_parked() -> None:
    desk = Desk()
    desk.dispatcher.probe_lanes({1: 2}, 10.0)
    desk.offer(profile(1), 1, 5)
    assert (len(desk.sent), desk.parked) == (2, [1, 1, 1])
    desk.dispatcher.reopen_lanes([1])
    desk.offer(profile(1), 1)
    assert len(desk.sent) == 3


def full_lane() -> Desk:
    """A lane of 16 in flight, and 32 that wait."""
    desk = Desk(slots=100, lane_limit=16)
    desk.offer(profile(1), account=1, count=16)
    desk.offer(profile(1), account=1, count=32)
    return desk


def test_an_endpoint_that_answers_quickly_has_twice_its_limit_waiting() -> None:
    desk = full_lane()
    for _ in range(20):
        desk.answer(0.24)
        desk.offer(profile(1), account=1)
    assert (desk.dispatcher.waiting, desk.parked) == (32, [])


def test_what_waits_for_a_slow_endpoint_is_what_goes_within_half_a_second() -> None:
    """Attempts of a second, 16 at once, are 8 in half a second. The rest is parked, as publish is told beforehand."""
    desk = full_lane()
    for _ in range(40):
        desk.answer(1.0)
        desk.offer(profile(1), account=1)
    assert 8 <= desk.dispatcher.waiting <= 9
    assert desk.dispatcher.lane_rooms() == {1: 0}
    assert len(desk.parked) == 32 - desk.dispatcher.waiting
    while desk.dispatcher.waiting:
        desk.answer(1.0)
    assert desk.dispatcher.lane_rooms() == {1: 8}


def test_a_dead_endpoint_keeps_two_waiting_and_one_that_recovers_its_full_line() -> None:
    desk = full_lane()
    for _ in range(60):
        desk.answer(10.0)
        desk.offer(profile(1), account=1)
    assert desk.dispatcher.waiting == LEAST_WAITING
    for _ in range(60):
        desk.answer(0.01)
        desk.offer(profile(1), account=1, count=2)
    assert desk.dispatcher.waiting == 32


def test_a_slow_lane_asks_for_its_parked_rows_when_a_quarter_of_its_line_is_left() -> None:
    desk, asked = full_lane(), []
    for _ in range(40):
        desk.answer(1.0)
        desk.offer(profile(1), account=1)
    desk.dispatcher.on_thirst = lambda: asked.append(desk.dispatcher.waiting)
    while desk.dispatcher.waiting:
        desk.answer(1.0)
    assert asked == [2]
