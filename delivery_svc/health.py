"""Health of endpoints: the last answer, when it came, how many deliveries and attempts failed in a row, and so whether the
lane's breaker is open; noted a few times a second.

Per lane and not per attempt: a hundred attempts of an endpoint within a moment cost one row update. A pod that is killed
loses a moment of it; the attempts themselves are in the log. What failed on our side (the outbound proxy, say) shows nothing of
the endpoint, and counts for nothing.
"""

from collections.abc import Callable, Iterable, Mapping

import asyncpg

from chassis.logs import get_logger
from delivery_svc import metrics
from delivery_svc.breaker import BreakerPolicy
from delivery_svc.delivery import Settled
from delivery_svc.sending.exchange import ErrorClass
from delivery_svc.store import lane
from delivery_svc.store.lane import Sign

log = get_logger()
SHUT_UNTIL_NOTED_SECONDS = 1.0
TICKS_IN_NO_HURRY = 4


class Health:
    """Gathers what attempts showed since the last tick. `shut` is told which lanes are open, for how many seconds; `reopen`
    which are closed again, `is_shut` asked whether this pod takes one for open. `wake` asks for a tick now.

    A pod that sees a breaker's fill of failures by itself shuts the lane before that is noted: an endpoint that refuses at
    once would otherwise be offered hundreds within a moment.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        policy: BreakerPolicy,
        shut: Callable[[Mapping[int, float]], None],
        reopen: Callable[[Iterable[int]], None],
        is_shut: Callable[[int], bool],
        wake: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._policy = policy
        self._shut = shut
        self._reopen = reopen
        self._is_shut = is_shut
        self._wake = wake
        self._signs: dict[int, Sign] = {}  # by subscription
        self._cancelled: set[int] = set()
        self._rested = 0

    def note(self, settled: Settled) -> None:
        """A delivery was recorded. What became of deliveries counts for their failures and recovery, every failed attempt for
        the breaker. One that is cancelled probes nothing, and what is parked behind it would wait for that probe's end."""
        attempt = settled.attempt
        if attempt is None:
            if settled.state is not None:
                self._cancelled.add(settled.delivery.profile.subscription_id)
            return
        subscription_id = settled.delivery.profile.subscription_id
        sign = self._signs.get(subscription_id)
        if sign is None:
            sign = self._signs[subscription_id] = Sign()
        sign.status_code = attempt.exchange.status_code or sign.status_code
        if attempt.began_us > sign.began_us:
            sign.began_us = attempt.began_us
        if settled.state == "SUCCEEDED":
            sign.recovered, sign.failures, sign.failing_us, sign.failed_attempts = True, 0, None, 0
            return
        if attempt.exchange.error is ErrorClass.INTERNAL:
            return
        sign.failed_attempts += 1
        if sign.failed_attempts == self._policy.failures:
            self._shut({subscription_id: SHUT_UNTIL_NOTED_SECONDS})
            self._wake()
        if settled.state == "FAILED":
            sign.failures += 1
            sign.failing_us = sign.failing_us or attempt.began_us

    async def tick_soon(self) -> None:
        """Writes the signs when there is a failure among them, or a probe that found an endpoint back; else every fourth time:
        what does well is in no hurry."""
        self._rested += 1
        if (
            self._rested >= TICKS_IN_NO_HURRY
            or self._cancelled
            or any(sign.failed_attempts or self._is_shut(one) for one, sign in self._signs.items())
        ):
            await self.tick()

    async def tick(self) -> None:
        """Writes the signs; what cannot be written is kept for the next time, before whatever came meanwhile."""
        self._rested = 0
        await self._pass_cancelled()
        if not self._signs:
            return
        signs, self._signs = self._signs, {}
        try:
            noted = await lane.note_health(self._pool, signs, self._policy)
        except BaseException:
            for subscription_id, later in self._signs.items():
                signs.setdefault(subscription_id, Sign()).add(later)
            self._signs = signs
            raise
        self._obey(noted)

    async def _pass_cancelled(self) -> None:
        if self._cancelled:
            lanes = list(self._cancelled)
            self._reopen(await lane.pass_probe(self._pool, lanes))
            self._cancelled.difference_update(lanes)

    def _obey(self, noted: list[asyncpg.Record]) -> None:
        for row in noted:
            if row["seconds"] is None:
                log.info("lane.closed", subscription=row["public_id"], lane=row["subscription_id"])
            elif row["opens"]:
                log.warning(
                    "lane.opened",
                    subscription=row["public_id"],
                    lane=row["subscription_id"],
                    seconds=round(row["seconds"], 3),
                    openings=row["openings"],
                )
                metrics.BREAKER_OPENED.inc()
        self._reopen([row["subscription_id"] for row in noted if row["seconds"] is None])
        self._shut({row["subscription_id"]: row["seconds"] for row in noted if (row["seconds"] or 0) > 0})
