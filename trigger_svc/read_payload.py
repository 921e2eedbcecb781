"""Streams the value of `resource_webhook_payload`: the elements of a window's calls, in their order, as one JSON array; or, as
it came, what was given to an execution that was started by hand.

Built anew whenever it is read, to the byte the same. Read in pages, with no transaction open in between: calls do not
change.
"""

from collections.abc import AsyncIterator

import asyncpg

from chassis.errors import FailedPrecondition, NotFound
from chassis.ids import is_id
from trigger_svc.element import element
from trigger_svc.run import Lease
from trigger_svc.store import call as calls
from trigger_svc.store import payload as payloads
from trigger_svc.store.call import Range
from trigger_svc.store.payload import Source

CHUNK_BYTES = 256 * 1024
PAGE_CALLS = 100


async def read_payload(pool: asyncpg.Pool, lease: Lease, data_mode: str | None = None) -> AsyncIterator[bytes]:
    """Chunks of at most 256 KiB, calls in this data mode instead of their own if it is given.

    FailedPrecondition when the lease is not the run's, or the run has no payload.
    """
    source = await payloads.of_run(pool, lease)
    if source is None:
        raise FailedPrecondition("LEASE_LOST", "the run is not held under this lease, or has no payload")
    async for chunk in _chunks(_pieces(pool, source, data_mode)):
        yield chunk


async def read_execution_payload(pool: asyncpg.Pool, account_id: int, public_id: str) -> AsyncIterator[bytes]:
    """Chunks of at most 256 KiB. NotFound EXECUTION_NOT_FOUND, PAYLOAD_NOT_FOUND; FailedPrecondition PAYLOAD_GONE."""
    source = await payloads.of_execution(pool, account_id, public_id) if is_id("exe_", public_id) else None
    if source is None:
        raise NotFound("EXECUTION_NOT_FOUND", "the account has no such execution")
    if not source.size_bytes:
        raise NotFound("PAYLOAD_NOT_FOUND", "the execution has no payload")
    async for chunk in _chunks(_pieces(pool, source)):
        yield chunk


async def is_kept(pool: asyncpg.Pool, account_id: int, public_id: str) -> bool:
    """Whether the payload of an execution can be read: it has one, or needs none. Calls go by the day, the oldest first."""
    source = await payloads.of_execution(pool, account_id, public_id)
    if source is None or not source.size_bytes or source.within is None:
        return True
    return bool(await calls.read(pool, source.within, offset=0, count=1))


async def _chunks(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    waiting = bytearray()
    async for piece in pieces:
        waiting += piece
        while len(waiting) >= CHUNK_BYTES:
            yield bytes(waiting[:CHUNK_BYTES])
            del waiting[:CHUNK_BYTES]
    if waiting:
        yield bytes(waiting)


def _pieces(pool: asyncpg.Pool, source: Source, data_mode: str | None = None) -> AsyncIterator[bytes]:
    return _stored(pool, source) if source.within is None else _elements(pool, source.within, data_mode)


async def _stored(pool: asyncpg.Pool, source: Source) -> AsyncIterator[bytes]:
    for offset in range(0, source.size_bytes, CHUNK_BYTES):
        chunk = await payloads.read_stored(pool, source.key, offset=offset, count=CHUNK_BYTES)
        if chunk is None:
            raise payload_gone()
        yield chunk


async def _elements(pool: asyncpg.Pool, within: Range, data_mode: str | None) -> AsyncIterator[bytes]:
    opening = b"["
    for offset in range(0, within.size, PAGE_CALLS):
        page = await calls.read(pool, within, offset=offset, count=PAGE_CALLS)
        if len(page) < min(PAGE_CALLS, within.size - offset):
            raise payload_gone()
        for media_type, body, own_data_mode in page:
            yield opening + element(media_type, body, data_mode or own_data_mode)
            opening = b","
    yield b"]"


def payload_gone() -> FailedPrecondition:
    """What was accepted is not kept any more."""
    return FailedPrecondition("PAYLOAD_GONE", "the payload is past its retention")
