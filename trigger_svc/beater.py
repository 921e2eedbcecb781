"""Says every few seconds that this pod serves, and which runners. Nothing but what people look at depends on it."""

import asyncio
from collections.abc import Callable, Sequence
from uuid import uuid4

import asyncpg

from chassis.database import AWAY_ERRORS
from chassis.logs import get_logger
from trigger_svc.overview import SERVES_SECONDS, ConnectedRunner
from trigger_svc.store import pod

log = get_logger()
FORGET_SECONDS = 10 * SERVES_SECONDS
MOST_RUNNERS = 200


class Beater:
    """`tick` is a loop's; `leave` is for the end."""

    def __init__(self, pool: asyncpg.Pool, name: str, runners: Callable[[], Sequence[ConnectedRunner]]) -> None:
        self._pool = pool
        self._pod_id = uuid4()
        self._name = name
        self._runners = runners
        self._gone = False
        self._beating = asyncio.Lock()  # a beat under way would come after the end

    async def tick(self) -> None:
        """Beats once, and forgets those that went without a word."""
        async with self._beating:
            if self._gone:  # loops go on while a process drains
                return
            await pod.beat(self._pool, self._pod_id, self._name, self._runners()[:MOST_RUNNERS])
        await pod.forget(self._pool, FORGET_SECONDS)

    async def leave(self) -> None:
        """Takes this pod out; a failure is left to the others."""
        self._gone = True
        try:
            async with asyncio.timeout(2), self._beating:
                await pod.leave(self._pool, self._pod_id)
        except AWAY_ERRORS as error:
            log.warning("pod.not_left", name=self._name, error=repr(error))
