"""Takes a call in: checked here, so that it fails no other; answered when it is committed as a member of a window.

Nothing is acknowledged from memory. The order of the checks is the contract's: token, method, rate, then those of
admission.py; whether the token still counts, the trigger is enabled or paused, the call came before and the queue has room is
decided under the head's lock, in the transaction that takes the call.
"""

import itertools
import time
from collections import OrderedDict

import asyncpg

from chassis import tracing
from chassis.clock import DatabaseClock
from chassis.errors import Unavailable
from chassis.grouping import GroupCommit
from chassis.ids import ksuid
from trigger_svc import metrics, refusal
from trigger_svc.admission import Target, admit
from trigger_svc.call import Answer, Call
from trigger_svc.element import STRING
from trigger_svc.ingest import Arrival, Ingest, Outcome, Repeated
from trigger_svc.rate import Allowance
from trigger_svc.token_book import TokenBook, not_found
from trigger_svc.verification.verdict import Handshake

#: How long a call waits for a trigger that others hold before it is refused.
PATIENCE_SECONDS = 2.0
MOST_ALLOWANCES = 20_000


class Receiver:
    """The door of this pod's calls to the database."""

    def __init__(self, ingest: Ingest, book: TokenBook, clock: DatabaseClock) -> None:
        self._ingest = ingest
        self._book = book
        self._clock = clock
        self._numbers = itertools.count()
        self._allowances: OrderedDict[int, Allowance] = OrderedDict()
        self._group = GroupCommit[Arrival, Outcome | Repeated]("receive", ingest.flush)
        # A line of their own for calls of triggers that others hold: waiting for those delays nobody else.
        self._passed_over = GroupCommit[Arrival, Outcome | Repeated]("receive_again", ingest.flush_patiently)

    async def receive(self, call: Call) -> Answer:
        """The call's id, once it is committed; or what answers a call that is not taken again, or is none.

        NotFound, NotServed, Unverified, InvalidInput, ResourceExhausted (too large, too many, or a line is full), Unavailable.
        """
        target = await self._book.target(call.token)
        if call.method != "POST":
            raise refusal.method_not_allowed()
        self._keep_to_rate(target)
        now = self._clock.now().timestamp()
        admitted = admit(call, target, now)
        if isinstance(admitted, Handshake):
            return Answer(call_id="", reply=admitted.reply)
        arrival = Arrival(
            number=next(self._numbers),
            trigger_id=target.trigger_id,
            generation=target.generation,
            call_id="cal_" + ksuid(int(now)),
            media_type=admitted.media_type,
            body=admitted.body,
            size=admitted.size,
            data_mode=None if target.data_mode == STRING else target.data_mode,
            dedupe_key=admitted.dedupe_key,
            refuses_while_paused=target.agreement.rules.refuse_while_paused,
            rejects=target.rejects,
        )
        if tracing.on():
            arrival.since_ns = time.time_ns()
            arrival.sender = call.headers.get(tracing.INNER_KEY, b"").decode("latin-1")
        try:
            outcome = await self._commit(arrival, call.token)
        except asyncpg.StringDataRightTruncationError:  # the task's limit fell since its token was looked up
            raise refusal.too_large(target.max_bytes) from None
        finally:
            self._ingest.leave(arrival)
        if isinstance(outcome, Repeated):
            return Answer(call_id=outcome.call_id, duplicate=True, reply=admitted.reply)
        metrics.CALL_BYTES.observe(len(admitted.body))
        return Answer(call_id=arrival.call_id, reply=admitted.reply)

    async def idle(self) -> None:
        """Returns when nothing waits to be committed."""
        await self._group.idle()
        await self._passed_over.idle()

    def _keep_to_rate(self, target: Target) -> None:
        rate = target.agreement.rules.rate_per_second
        if not rate:
            return
        now = time.monotonic()
        allowance = self._allowances.setdefault(target.trigger_id, Allowance.full(rate, now))
        self._allowances.move_to_end(target.trigger_id)
        if len(self._allowances) > MOST_ALLOWANCES:
            self._allowances.popitem(last=False)
        if wait := allowance.take(rate, now):
            raise refusal.too_many(wait)

    async def _commit(self, arrival: Arrival, token: str) -> Outcome | Repeated:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        size = len(arrival.body) + len(arrival.media_type)
        outcome = await self._group.submit(arrival, size=size)
        while outcome is Outcome.AGAIN:
            if time.monotonic() > give_up_at:
                raise Unavailable("TRIGGER_BUSY", "the trigger is held up: call again", retry_after=1.0)
            outcome = await self._passed_over.submit(arrival, size=size)
        match outcome:
            case Outcome.GONE:
                raise not_found()
            case Outcome.ENDED:
                self._book.forget(token)
                raise not_found()
            case Outcome.PAUSED:
                raise refusal.paused()
            case Outcome.REFUSED:
                raise refusal.queue_full()
            case Outcome.IN_DOUBT:
                raise refusal.in_doubt()
        return outcome
