"""Keeps what a run prints while it runs, up to a limit; beyond it output is dropped and the log marked as truncated.

Guards that nobody but the holder of the lease writes to a log.
"""

import asyncpg

from chassis.errors import BadField, InvalidInput
from trigger_svc import metrics
from trigger_svc.run import Lease
from trigger_svc.start_run import lease_lost
from trigger_svc.store import run_log

LARGEST_CHUNK = 256 * 1024
MOST_OFFSET = 1 << 40


async def append_run_log(pool: asyncpg.Pool, lease: Lease, *, offset: int, chunk: bytes, most_bytes: int) -> int:
    """Appends a piece that begins at `offset`, once however often it is sent. How long the log is now.

    InvalidInput, also where bytes before `offset` were never sent; FailedPrecondition LEASE_LOST.
    """
    problems = [] if 0 <= offset <= MOST_OFFSET else [BadField("offset", f"must be 0 to {MOST_OFFSET:,}")]
    if not 1 <= len(chunk) <= LARGEST_CHUNK:
        problems.append(BadField("chunk", f"must have 1 to {LARGEST_CHUNK:,} bytes"))
    if problems:
        raise InvalidInput(problems)
    appended = await run_log.append(pool, lease, offset=offset, chunk=chunk, most_bytes=most_bytes)
    if appended is None:
        raise lease_lost()
    if appended.hole:
        raise InvalidInput([BadField("offset", f"must be at most {appended.log_bytes}: that is where the log ends")])
    metrics.RUN_LOG_BYTES.inc(appended.kept)
    if appended.cut:
        metrics.RUN_LOGS_CUT.inc()
    return appended.log_bytes
