"""Health of endpoints: the last answer, when it came, and how many deliveries failed in a row; noted a few times a second.

Per lane and not per attempt: a hundred attempts of an endpoint within a moment cost one row update. A pod that is killed
loses a moment of it; the attempts themselves are in the log.
"""

import asyncpg

from delivery_svc.delivery import Settled
from delivery_svc.store import lane
from delivery_svc.store.lane import Sign


class Health:
    """Gathers what attempts showed since the last tick."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._signs: dict[int, Sign] = {}  # by subscription

    def note(self, settled: Settled) -> None:
        """A delivery's attempt was recorded. Only what became of deliveries counts as failure or recovery."""
        attempt = settled.attempt
        if attempt is None:
            return
        subscription_id = settled.delivery.profile.subscription_id
        sign = self._signs.get(subscription_id)
        if sign is None:
            sign = self._signs[subscription_id] = Sign()
        sign.status_code = attempt.exchange.status_code or sign.status_code
        if attempt.began_us > sign.began_us:
            sign.began_us = attempt.began_us
        if settled.state == "SUCCEEDED":
            sign.recovered, sign.failures, sign.failing_us = True, 0, None
        elif settled.state == "FAILED":
            sign.failures += 1
            sign.failing_us = sign.failing_us or attempt.began_us

    async def tick(self) -> None:
        """Writes the signs; what cannot be written is kept for the next time, before whatever came meanwhile."""
        if not self._signs:
            return
        signs, self._signs = self._signs, {}
        try:
            await lane.note_health(self._pool, signs)
        except BaseException:
            for subscription_id, later in self._signs.items():
                signs.setdefault(subscription_id, Sign()).add(later)
            self._signs = signs
            raise
