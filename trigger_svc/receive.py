"""Takes a call in: checked here, so that it fails no other; answered when it is committed as a member of a window.

Nothing is acknowledged from memory. The order of the checks is the contract's: token, size, media type, charset.
"""

import itertools
import time
from dataclasses import dataclass

import asyncpg

from chassis.clock import DatabaseClock
from chassis.errors import ResourceExhausted, Unavailable
from chassis.grouping import GroupCommit
from chassis.ids import ksuid
from trigger_svc import metrics
from trigger_svc.element import element_size
from trigger_svc.ingest import Arrival, Ingest, Outcome
from trigger_svc.token_book import TokenBook, not_found
from trigger_svc.window import EMPTY_PAYLOAD_BYTES, LARGEST_BODY

#: How long a call waits for a trigger that others hold before it is refused.
PATIENCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One inbound request: the end of its URL, its Content-Type to the letter (empty for none), its body."""

    token: str
    media_type: str
    body: bytes


def too_large(most: int) -> ResourceExhausted:
    """The refusal of a call that no window could hold."""
    return ResourceExhausted("CALL_TOO_LARGE", f"the call is larger than the {most:,} bytes that are taken here")


class Receiver:
    """The door of this pod's calls to the database."""

    def __init__(self, ingest: Ingest, book: TokenBook, clock: DatabaseClock) -> None:
        self._ingest = ingest
        self._book = book
        self._clock = clock
        self._numbers = itertools.count()
        self._group = GroupCommit[Arrival, Outcome]("receive", ingest.flush)
        # A line of their own for calls of triggers that others hold: waiting for those delays nobody else.
        self._passed_over = GroupCommit[Arrival, Outcome]("receive_again", ingest.flush_patiently)

    async def receive(self, call: Call) -> str:
        """The call's id, once it is committed.

        NotFound, InvalidInput (media type, charset), ResourceExhausted (too large, or the line is full), Unavailable.
        """
        target = await self._book.target(call.token)
        if len(call.body) > LARGEST_BODY:
            raise too_large(LARGEST_BODY)
        size = element_size(call.media_type, call.body)
        if EMPTY_PAYLOAD_BYTES + size > target.max_bytes:
            raise too_large(target.max_bytes)
        arrival = Arrival(
            number=next(self._numbers),
            trigger_id=target.trigger_id,
            call_id="cal_" + ksuid(int(self._clock.now().timestamp())),
            media_type=call.media_type,
            body=call.body,
            size=size,
        )
        try:
            await self._commit(arrival)
        except asyncpg.StringDataRightTruncationError:  # the task's limit fell since its token was looked up
            raise too_large(target.max_bytes) from None
        finally:
            self._ingest.leave(arrival)
        metrics.CALL_BYTES.observe(len(call.body))
        return arrival.call_id

    async def idle(self) -> None:
        """Returns when nothing waits to be committed."""
        await self._group.idle()
        await self._passed_over.idle()

    async def _commit(self, arrival: Arrival) -> None:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        size = len(arrival.body) + len(arrival.media_type)
        outcome = await self._group.submit(arrival, size=size)
        while outcome is Outcome.AGAIN:
            if time.monotonic() > give_up_at:
                raise Unavailable("TRIGGER_BUSY", "the trigger is held up: call again", retry_after=1.0)
            outcome = await self._passed_over.submit(arrival, size=size)
        if outcome is Outcome.GONE:
            raise not_found()
