"""The keys of calls that came before: trigger.receive_calls writes and reads them under the heads' locks; here they go."""

import asyncpg

# What a flush holds is left for another time: neither waits for the other. now(): an index takes no volatile call.
PRUNE_DEDUPE = """
delete from trigger.call_dedupe d
 using (select trigger_id, dedupe_key from trigger.call_dedupe
         where received_at < now() - make_interval(secs => $1)
         limit $2
           for update skip locked) o
 where d.trigger_id = o.trigger_id and d.dedupe_key = o.dedupe_key
"""


async def prune(pool: asyncpg.Pool, *, older_than_seconds: float, most: int) -> int:
    """Forgets keys that no longer count; how many."""
    status: str = await pool.execute(PRUNE_DEDUPE, older_than_seconds, most)
    return int(status.rpartition(" ")[2])
