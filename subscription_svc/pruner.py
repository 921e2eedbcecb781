"""The pruner: signing secrets whose overlap has passed go. Nobody signs with them meanwhile: their end stands beside them.

Every pod does it; a second one finds nothing to do.
"""

import asyncpg

from chassis.logs import get_logger
from subscription_svc.store import signing_secret

log = get_logger()
BATCH = 1_000


class Pruner:
    """`tick` is due every hour."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def tick(self) -> bool:
        """Deletes a batch. Whether it came back full."""
        deleted = await signing_secret.delete_expired(self._pool, BATCH)
        if deleted:
            log.info("signing_secrets.pruned", deleted=deleted)
        return deleted == BATCH
