"""Keeps what a finished run left behind; when all of it is stored, job.run.completed is announced, once.

Chunks are stored as they come, so that memory is bounded by one of them; nobody sees them before the last statement.
"""

from collections.abc import AsyncIterator

import asyncpg

from chassis.errors import BadField, FailedPrecondition, InvalidInput, ResourceExhausted
from trigger_svc.artifact import LARGEST_CHUNK, MOST_BYTES, is_name
from trigger_svc.run import Lease
from trigger_svc.start_run import lease_lost
from trigger_svc.store import artifact as artifacts
from trigger_svc.store.artifact import Artifact, Shelf


async def store_artifacts(pool: asyncpg.Pool, lease: Lease, pieces: AsyncIterator[tuple[str, bytes]]) -> int:
    """Stores pieces of (name, bytes): an empty name continues the artifact before. Returns how many there were.

    FailedPrecondition LEASE_LOST, RUN_NOT_FINISHED; InvalidInput; ResourceExhausted ARTIFACTS_TOO_LARGE. Then nothing
    is kept, and completion is announced when its time comes.
    """
    shelf = await artifacts.find_shelf(pool, lease)
    if shelf is None:
        raise lease_lost()
    if shelf.finished_day is None:
        raise FailedPrecondition("RUN_NOT_FINISHED", "the run is not finished: call FinishRun first")
    kept = await _store(pool, shelf, pieces)
    if not await artifacts.complete(pool, lease, list(kept.values())):
        raise lease_lost()
    return len(kept)


async def _store(pool: asyncpg.Pool, shelf: Shelf, pieces: AsyncIterator[tuple[str, bytes]]) -> dict[str, Artifact]:
    kept: dict[str, Artifact] = {}
    current: Artifact | None = None
    total = 0
    async for name, chunk in pieces:
        current = _next(kept, current, name)
        total += len(chunk)
        if len(chunk) > LARGEST_CHUNK:
            raise InvalidInput([BadField("chunk", f"must be at most {LARGEST_CHUNK:,} bytes")])
        if total > MOST_BYTES:
            raise ResourceExhausted("ARTIFACTS_TOO_LARGE", f"a run's artifacts may have {MOST_BYTES:,} bytes in all")
        if chunk and current is not None:
            await artifacts.store_chunk(pool, shelf, current, chunk)
            current.chunk_count += 1
            current.size_bytes += len(chunk)
        elif chunk:
            raise InvalidInput([BadField("name", "is required with the first chunk")])
    return kept


def _next(kept: dict[str, Artifact], current: Artifact | None, name: str) -> Artifact | None:
    """The artifact that a piece belongs to."""
    if not name or (current is not None and current.name == name):
        return current
    if not is_name(name):
        sentence = 'must be 1 to 255 of A-Z, a-z, 0-9, ".", "_", "-", not beginning with "."'
        raise InvalidInput([BadField("name", sentence)])
    if name in kept:
        raise InvalidInput([BadField("name", "came before: send all of an artifact's chunks one after the other")])
    kept[name] = Artifact(name=name)
    return kept[name]
