"""The tester: sends one test event to a subscription while its caller waits, active or not, one attempt, no retry.

It goes past lanes and queue, straight to the sender, and is recorded when it is over: a test that this pod's end cuts
short was never made. It does not count toward deactivation.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

from chassis.clock import DatabaseClock
from chassis.errors import NotFound, ResourceExhausted, Unavailable
from chassis.ids import is_id
from chassis.logs import get_logger
from delivery_svc.courier import Courier
from delivery_svc.delivery import Profile
from delivery_svc.event import Event
from delivery_svc.profiles import Profiles
from delivery_svc.sample import sample_event
from delivery_svc.sending.exchange import ErrorClass, Exchange, unanswered
from delivery_svc.store import lane, subscription, trial

log = get_logger()
MOST_AT_ONCE = 64
#: Taken off an attempt's time, so that whoever waits for the test has the answer within that time.
HASTE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class TestReport:
    """What the endpoint did. `exchange` has its status code, or why there is none."""

    event_id: str
    exchange: Exchange


class Tester:
    """Sends tests; at most 64 at a time in a pod."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        profiles: Profiles,
        courier: Courier,
        clock: DatabaseClock,
        attempt_id: Callable[[], int],
        timeout: float,
    ) -> None:
        self._pool = pool
        self._profiles = profiles
        self._courier = courier
        self._clock = clock
        self._attempt_id = attempt_id
        self._seconds = max(timeout - HASTE_SECONDS, timeout / 2)
        self._under_way = 0

    async def send(self, account_id: int, public_id: str) -> TestReport:
        """Sends and waits. NotFound for an unknown subscription, ResourceExhausted when too many tests are under way."""
        profile = await self._profile(account_id, public_id)
        if self._under_way >= MOST_AT_ONCE:
            raise ResourceExhausted("TOO_MANY_TESTS", "too many tests are under way: try again", retry_after=2.0)
        self._under_way += 1
        try:
            event = sample_event(account_id, self._clock.now_us())
            began_us, exchange = await self._exchange(profile, event)
            await self._record(profile, event, began_us, exchange)
        finally:
            self._under_way -= 1
        log.info("test.sent", account=account_id, subscription=public_id, status_code=exchange.status_code)
        return TestReport(event_id=event.event_id, exchange=exchange)

    async def _profile(self, account_id: int, public_id: str) -> Profile:
        found = await subscription.find(self._pool, account_id, public_id) if is_id("wsu_", public_id) else None
        if found is None:
            raise NotFound("SUBSCRIPTION_NOT_FOUND", "the account has no such subscription: list those it has")
        if self._profiles.get(found["id"], found["version"]) is None:
            await self._profiles.load([found["id"]])
        profile = self._profiles.get(found["id"], found["version"])
        if profile is None or not profile.secrets:
            raise Unavailable(
                "SECRET_UNREADABLE", "the subscription's signing secret cannot be read: tell the operator"
            )
        return profile

    async def _exchange(self, profile: Profile, event: Event) -> tuple[int, Exchange]:
        """When the POST was begun, in microseconds since 1970, and what came of it."""
        if profile.endpoint is None:
            return self._clock.now_us(), unanswered(ErrorClass.CONNECT, "Nothing can be sent to this client_url.", 0.0)
        reported: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()

        def done(exchange: Exchange) -> None:
            if not reported.done():
                reported.set_result(exchange)

        began_us = self._courier.post(profile, event, profile.name, done)
        try:
            exchange = await asyncio.wait_for(reported, self._seconds)
        except TimeoutError:
            exchange = unanswered(ErrorClass.TIMEOUT, f"No complete answer within {self._seconds:g} s.", self._seconds)
        if exchange.error is ErrorClass.SHUTDOWN:
            raise Unavailable("SHUTTING_DOWN", "this process ends: call again", retry_after=1.0)
        return began_us, exchange

    async def _record(self, profile: Profile, event: Event, began_us: int, exchange: Exchange) -> None:
        made = trial.Trial(
            attempt_id=self._attempt_id(),
            event=event,
            subscription_id=profile.subscription_id,
            webhook_name=profile.name,
            custom_names=profile.custom_names,
            began_us=began_us,
            exchange=exchange,
        )
        await trial.insert(self._pool, made)
        sign = lane.Sign(status_code=exchange.status_code, began_us=began_us)
        await lane.note_health(self._pool, {profile.subscription_id: sign})
