"""This pod's epoch: joined at start, proved by a heartbeat, left at the end; and the fence when it cannot be proved.

A pod that cannot beat stops sending before any other may declare it dead: `may_send` compares the last good beat, timed
by the monotonic clock from before the statement, with the time others wait. One that was declared dead drops what waits
and takes a new epoch.
"""

import asyncio
import time
from collections.abc import Callable

import asyncpg

from chassis.clock import DatabaseClock
from chassis.database import AWAY_ERRORS
from chassis.logs import get_logger
from delivery_svc import metrics
from delivery_svc.store import pod

log = get_logger()
MARGIN_SECONDS = 3.0


class Beater:
    """Keeps `epoch` alive. `on_fenced` is called after a new one had to be taken."""

    def __init__(self, pool: asyncpg.Pool, clock: DatabaseClock, name: str, dead_after: float) -> None:
        self._pool = pool
        self._clock = clock
        self._name = name
        self._trusted_for = dead_after - MARGIN_SECONDS
        self._beaten = float("-inf")
        self._attempt = 0
        self.epoch = 0
        self.on_fenced: Callable[[], None] = lambda: None

    def may_send(self) -> bool:
        """Whether nobody can have declared this pod dead."""
        return time.monotonic() - self._beaten < self._trusted_for

    async def join(self) -> None:
        """Takes an epoch and declares dead the earlier ones of this pod's name: a restart recovers at once.

        In this order: a burial whose outcome was unknown may be carried out late, and must not reach the new epoch.
        """
        await self._take_epoch()
        await pod.bury_namesakes(self._pool, self._name, self.epoch)

    async def tick(self) -> None:
        """Beats once."""
        began = time.monotonic()
        moment = await pod.beat(self._pool, self.epoch)
        if moment is not None:
            self._beaten = began
            self._clock.set(moment, asked=began)
            return
        metrics.FENCED.inc()
        log.warning("pod.fenced", epoch=self.epoch)
        await self._take_epoch()
        self.on_fenced()

    async def leave(self, *, clean: bool) -> None:
        """Forgets the epoch when what was leased under it has been handed back (`clean`), else declares it dead, so that others
        free the rest. A failure is left to the rescue."""
        try:
            async with asyncio.timeout(2):
                await (pod.leave if clean else pod.bury)(self._pool, self.epoch)
        except AWAY_ERRORS as error:
            log.warning("pod.not_left", epoch=self.epoch, error=repr(error))

    def attempt_id(self) -> int:
        """An id for an attempt: epoch and a counter, so that it is unique and rises."""
        self._attempt += 1
        return (self.epoch << 32) | (self._attempt & 0xFFFFFFFF)

    async def _take_epoch(self) -> None:
        began = time.monotonic()
        self.epoch, moment = await pod.join(self._pool, self._name)
        self._beaten = began
        self._clock.set(moment, asked=began)
        log.info("pod.joined", epoch=self.epoch, name=self._name)
