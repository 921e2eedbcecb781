"""The intake: how much this pod may lease, and the way of what it leased into the dispatcher.

While there is a backlog (a publish overflowed the room, or a claim came back full) publish leases nothing for the accounts
that are behind: otherwise new events would overtake old ones for ever. The backlog ends with the first claim from the
beginning that comes back short. Parked rows are their lane's affair: an account is not behind because one of its endpoints is
slow. No account may take all of the room (share.py). A statement that began under an old epoch
brings nothing in: its rows are no longer this pod's.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

import asyncpg

from chassis.database import AWAY_ERRORS
from chassis.logs import get_logger
from delivery_svc.delivery import Delivery, Profile, Settled
from delivery_svc.dispatcher import Dispatcher
from delivery_svc.event import Event
from delivery_svc.profiles import Profiles
from delivery_svc.store.publishing import ANY_EVENTS, Room

log = get_logger()
PATIENCE_SECONDS = 0.2
FEW = 32  # deliveries: a fan-out of one event that is more than usual
NO_PROFILE = Profile(
    subscription_id=0, version=0, public_id="", name="", endpoint=None, secrets=(), unsendable="subscription_deleted"
)


class _Leased:
    """A row that a statement leased: its delivery, but for the profile. `webhook_name` is None for the profile's own."""

    __slots__ = ("attempts", "event", "id", "published_us", "redelivery", "subscription_id", "version", "webhook_name")

    def __init__(
        self, row: asyncpg.Record, event: Event, webhook_name: str | None, attempts: int, redelivery: int | None
    ) -> None:
        self.id: int = row["id"]
        self.event = event
        self.subscription_id: int = row["subscription_id"]
        self.version: int = row["version"]
        self.webhook_name = webhook_name
        self.published_us: int = row["published_us"]
        self.attempts = attempts
        self.redelivery = redelivery


class Intake:
    """Leases are taken through here alone: `reserve` before the statement, then `born` or `claimed` with its rows."""

    def __init__(
        self,
        *,
        dispatcher: Dispatcher,
        profiles: Profiles,
        record: Callable[[Settled], None],
        epoch: Callable[[], int],
        wake_claimer: Callable[[], None],
    ) -> None:
        self._dispatcher = dispatcher
        self._profiles = profiles
        self._record = record
        self._epoch = epoch
        self._wake_claimer = wake_claimer
        self._fan_out = 1.0
        self._loading: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()
        self._again: dict[int, tuple[_Leased, int]] = {}  # leased again before they were released, and their epoch
        self._backlog = False
        self._behind: set[int] = set()  # accounts with events that wait to be claimed, during a backlog
        self.paused = False  # nothing is leased while the reconciler looks

    @property
    def backlog(self) -> bool:
        """Whether more is free and due than pods have room for."""
        return self._backlog

    @backlog.setter
    def backlog(self, backlog: bool) -> None:
        self._backlog = backlog
        if not backlog:
            self._behind.clear()

    async def reserve(self, accounts: Mapping[int, int]) -> Room:
        """Room for a publish of so many events by account; give it back with `unreserve`.

        Waits a moment for room that is about to come free: a claim of what would overflow costs more than the wait.
        """
        await self._patience(accounts)
        may = sum(events for account_id, events in accounts.items() if account_id not in self._behind)
        return self._room(self._granted(accounts), events=may)

    def turn(self, account_id: int) -> tuple[bool, int]:
        """Whose events go first in a publish of several accounts: those who are not behind, and of these who has least."""
        return account_id in self._behind, -self._dispatcher.allowance(account_id)

    def reserve_claim(self) -> Room:
        """Room for a claim: all that one may take during a backlog, else half, so that a publish meanwhile finds some."""
        room = self._dispatcher.claimable()
        return self._room(room if self.backlog else (room + 1) // 2)

    def unreserve(self, room: Room) -> None:
        """The statement has ended: what it brought is held from now on."""
        self._dispatcher.reserved -= room.total
        self.room_freed()

    def born(self, rows: Sequence[asyncpg.Record], events: Sequence[Event], room: Room) -> None:
        """What a publish committed: leased rows go to the dispatcher, free ones mean a backlog, parked ones a draw."""
        if events:
            self._fan_out = max(len(rows) / len(events), 0.9 * self._fan_out)
        free = {events[row["ord"]].account_id for row in rows if not row["leased"] and not row["parked"]}
        if free:
            self.backlog = True
            self._behind |= free
            self._wake_claimer()
        self._dispatcher.mark_thirsty({row["subscription_id"] for row in rows if row["parked"]})
        leased = [row for row in rows if row["leased"]]
        self._admit([_Leased(row, events[row["ord"]], None, 0, None) for row in leased], room.epoch)

    def claimed(self, rows: Iterable[asyncpg.Record], room: Room) -> None:
        """What a claim leased."""
        leased = _rows(rows)
        if self.backlog:  # a retry that waited says nothing of its account's new events
            self._behind.update(one.event.account_id for one in leased if one.attempts == 0)
        self._admit(leased, room.epoch)

    def drawn(self, rows: Iterable[asyncpg.Record], room: Room) -> None:
        """What a draw leased of lanes with parked rows."""
        self._admit(_rows(rows), room.epoch)

    async def idle(self) -> None:
        """Returns when nothing waits for a profile."""
        while self._loading:
            await asyncio.wait(self._loading)

    def released(self, delivery_ids: Iterable[int]) -> None:
        """These are out of hand. What was leased again meanwhile is given back free, for whoever claims it next."""
        if not self._again:
            return
        for delivery_id in delivery_ids:
            one, epoch = self._again.pop(delivery_id, (None, 0))
            if one is not None and epoch == self._epoch():
                self._dispatcher.hold({one.id: one.event.account_id})
                self._record(Settled(_delivery(one, NO_PROFILE, epoch)))

    def fenced(self) -> None:
        """The epoch is another one: what was leased again under the old one is no longer this pod's."""
        self._again.clear()

    def room_freed(self) -> None:
        """Something was released."""
        self._freed.set()

    def _wanted(self, events: int) -> int:
        return max(events, int(events * self._fan_out) + 1)

    def _granted(self, accounts: Mapping[int, int]) -> int:
        """How much of the room these may have, each its share; where several want some, no fewer than a few each."""
        dispatcher, least = self._dispatcher, FEW if len(accounts) > 1 or self.backlog else 0
        granted = sum(
            min(max(self._wanted(events), least), dispatcher.allowance(account_id))
            for account_id, events in accounts.items()
            if account_id not in self._behind
        )
        return min(dispatcher.room, granted)

    async def _patience(self, accounts: Mapping[int, int]) -> None:
        if not self._lacks(accounts):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while self._lacks(accounts):
                    self._freed.clear()
                    await self._freed.wait()

    def _lacks(self, accounts: Mapping[int, int]) -> bool:
        """Whether those of them that are not behind want more than there is, and no more than there can be."""
        wanted = sum(self._wanted(events) for account_id, events in accounts.items() if account_id not in self._behind)
        return self._granted(accounts) < min(wanted, self._dispatcher.slots)

    def _room(self, wanted: int, events: int = ANY_EVENTS) -> Room:
        total = 0 if self.paused else wanted
        self._dispatcher.reserved += total
        return Room(
            epoch=self._epoch(),
            total=total,
            lane=2 * self._dispatcher.lane_limit,
            lanes=self._dispatcher.lane_rooms(),
            events=events,
        )

    def _admit(self, leased: list[_Leased], epoch: int) -> None:
        if not leased:
            return
        if epoch != self._epoch():
            log.info("lease.dropped", deliveries=len(leased), epoch=epoch)
            return
        leased = self._put_off(leased, epoch)
        self._dispatcher.hold({one.id: one.event.account_id for one in leased})
        missing = {
            one.subscription_id for one in leased if self._profiles.get(one.subscription_id, one.version) is None
        }
        if not missing:
            self._offer(leased, epoch)
            return
        task = asyncio.create_task(self._load_and_offer(leased, missing, epoch))
        self._loading.add(task)
        task.add_done_callback(self._loading.discard)

    def _put_off(self, leased: list[_Leased], epoch: int) -> list[_Leased]:
        """Without those that are still in hand from an earlier lease, whose end is on its way: they would be sent twice."""
        held = self._dispatcher.held
        self._again.update({one.id: (one, epoch) for one in leased if one.id in held})
        return [one for one in leased if one.id not in held]

    async def _load_and_offer(self, leased: list[_Leased], missing: set[int], epoch: int) -> None:
        pause = 0.05
        while True:
            try:
                await self._profiles.load(missing)
                break
            except AWAY_ERRORS as error:
                log.warning("profiles.waiting", error=repr(error), subscriptions=len(missing))
                await asyncio.sleep(pause)
                pause = min(2.0, pause * 2)
        if epoch == self._epoch():
            self._offer(leased, epoch)
        else:
            self._dispatcher.release(one.id for one in leased)

    def _offer(self, leased: list[_Leased], epoch: int) -> None:
        ready = []
        for one in leased:
            profile = self._profiles.get(one.subscription_id, one.version) or NO_PROFILE
            delivery = _delivery(one, profile, epoch)
            # An event that was erased has no data.
            if unsendable := profile.unsendable or ("" if one.event.data else "erased"):
                self._record(Settled(delivery, state="CANCELLED", reason=unsendable))
            else:
                ready.append(delivery)
        if len(ready) < len(leased):
            self._wake_claimer()  # its lane has room for the next of them at once
        self._dispatcher.offer(ready)


def _delivery(one: _Leased, profile: Profile, epoch: int) -> Delivery:
    return Delivery(
        id=one.id,
        event=one.event,
        profile=profile,
        webhook_name=profile.name if one.webhook_name is None else one.webhook_name,
        published_us=one.published_us,
        attempts=one.attempts,
        epoch=epoch,
        redelivery=one.redelivery,
    )


def _rows(rows: Iterable[asyncpg.Record]) -> list[_Leased]:
    return [_Leased(row, _event(row), row["webhook_name"], row["attempts"], row["redelivery"]) for row in rows]


def _event(row: asyncpg.Record) -> Event:
    return Event(
        row["event_id"],
        row["account_id"],
        row["event_type"],
        row["job_id"],
        row["event_time_ns"],
        row["data"],
        row["traceparent"],
    )
