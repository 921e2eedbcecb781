"""The pruner: partitions are made ahead, and what is past its retention goes, a whole day or a batch at a time."""

import asyncpg

from chassis.logs import get_logger
from chassis.partitions import note_end
from delivery_svc.store import partition, publish_request

log = get_logger()
REMEMBER_REQUESTS_SECONDS = 48 * 3600.0
BATCH = 5000


class Pruner:
    """`tick` is due at start and every hour after."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def tick(self) -> bool:
        """Makes what is missing and drops what is old. Whether a batch came back full."""
        made = await partition.make(self._pool)
        dropped = await partition.drop(self._pool)
        await note_end(self._pool, "delivery")
        if made or dropped:
            log.info("partitions.moved", made=made, dropped=dropped)
        return await publish_request.forget(self._pool, REMEMBER_REQUESTS_SECONDS, BATCH) == BATCH
