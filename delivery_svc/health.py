"""Health of endpoints: the last answer and when it came, noted for the owner of subscriptions a few times a second.

Per lane and not per attempt: a hundred attempts of an endpoint within a moment cost one row update. A pod that is killed
loses a moment of it; the attempts themselves are in the log.
"""

import asyncpg

from delivery_svc.delivery import Attempt
from delivery_svc.store import lane


class Health:
    """Gathers what attempts showed since the last tick."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._news: dict[int, tuple[int, int]] = {}  # subscription: last status code (0: none yet), began_us

    def note(self, subscription_id: int, attempt: Attempt) -> None:
        """An attempt was recorded. One without an answer leaves the status code before it as it was."""
        before = self._news.get(subscription_id, (0, 0))
        code = attempt.exchange.status_code or before[0]
        self._news[subscription_id] = (code, max(attempt.began_us, before[1]))

    async def tick(self) -> None:
        """Writes the news; what cannot be written is kept for the next time, under whatever came meanwhile."""
        if not self._news:
            return
        news, self._news = self._news, {}
        try:
            await lane.note_health(self._pool, news)
        except BaseException:
            self._news = {**news, **self._news}
            raise
