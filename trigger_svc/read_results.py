"""What a run left behind, as its account reads it: the log and the artifacts, in pieces, so that memory stays bounded.

No transaction is open between two pieces: what is kept does not change but for a log that grows.
"""

from collections.abc import AsyncIterator

import asyncpg

from chassis.errors import BadField, InvalidInput, NotFound
from trigger_svc.artifact import is_name
from trigger_svc.store import artifact as artifacts
from trigger_svc.store import run_log

CHUNK_BYTES = 256 * 1024
#: Pieces of a log that are read at once; a runner writes them no larger than 256 KiB.
PAGE_PIECES = 4


async def read_run_log(pool: asyncpg.Pool, account_id: int, run_id: int, offset: int) -> AsyncIterator[bytes]:
    """What a run has printed so far, from `offset` on. InvalidInput; NotFound RUN_NOT_FOUND."""
    if offset < 0:
        raise InvalidInput([BadField("offset", "must be at least 0")])
    place = await run_log.find(pool, account_id, run_id)
    if place is None:
        raise NotFound("RUN_NOT_FOUND", f"the account has no run {run_id}")
    while offset < place.log_bytes:
        read, offset = await run_log.read(pool, place, offset=offset, most_pieces=PAGE_PIECES)
        if not read:
            return  # past its retention
        for start in range(0, len(read), CHUNK_BYTES):
            yield read[start : start + CHUNK_BYTES]


async def read_artifact(pool: asyncpg.Pool, account_id: int, run_id: int, name: str) -> AsyncIterator[bytes]:
    """An artifact's chunks. NotFound ARTIFACT_NOT_FOUND, also once it is past its retention."""
    kept = await artifacts.find(pool, account_id, run_id, name) if is_name(name) else None
    if kept is None:
        raise _no_artifact(run_id, name)
    for number in range(kept.chunk_count):
        chunk = await artifacts.read_chunk(pool, kept, number)
        if chunk is None:
            raise _no_artifact(run_id, name)
        yield chunk


def _no_artifact(run_id: int, name: str) -> NotFound:
    return NotFound("ARTIFACT_NOT_FOUND", f"run {run_id} has no artifact {name!r}")
