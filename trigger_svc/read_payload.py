"""Streams the value of `resource_webhook_payload`: the elements of a window's calls, in their order, as one JSON array.

Built anew whenever it is read, to the byte the same. Read in pages, with no transaction open in between: calls do not
change.
"""

from collections.abc import AsyncIterator

import asyncpg

from chassis.errors import FailedPrecondition
from trigger_svc.element import element
from trigger_svc.run import Lease
from trigger_svc.store import call as calls
from trigger_svc.store.call import Range

CHUNK_BYTES = 256 * 1024
PAGE_CALLS = 100


async def read_payload(pool: asyncpg.Pool, lease: Lease) -> AsyncIterator[bytes]:
    """Chunks of at most 256 KiB. FailedPrecondition when the lease is not the run's, or the run has no payload."""
    within = await calls.range_of(pool, lease)
    if within is None:
        raise FailedPrecondition("LEASE_LOST", "the run is not held under this lease, or has no payload")
    waiting = bytearray()
    async for piece in _pieces(pool, within):
        waiting += piece
        while len(waiting) >= CHUNK_BYTES:
            yield bytes(waiting[:CHUNK_BYTES])
            del waiting[:CHUNK_BYTES]
    if waiting:
        yield bytes(waiting)


async def _pieces(pool: asyncpg.Pool, within: Range) -> AsyncIterator[bytes]:
    opening = b"["
    for offset in range(0, within.size, PAGE_CALLS):
        page = await calls.read(pool, within, offset=offset, count=PAGE_CALLS)
        if len(page) < min(PAGE_CALLS, within.size - offset):
            raise FailedPrecondition("PAYLOAD_GONE", "the window's calls are past their retention")
        for media_type, body in page:
            yield opening + element(media_type, body)
            opening = b","
    yield b"]"
