"""Who guesses at the trigger door: tokens that nobody has, signatures that are wrong.

Invariant: a token that led somewhere goes its way whatever others at its address do. Tokens are kept as hashes alone, and a
bounded number of them.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256

from gateway import metrics
from gateway.edge.bucket import Buckets
from gateway.edge.crowd import neighbourhood
from gateway.http_errors import HttpError

MOST_TOKENS = 20_000
MOST_ADDRESSES = 20_000


class Strangers:
    """`failure_rate` wrong guesses a second of one address, `call_rate` calls of one address; 0 is no limit."""

    def __init__(
        self, failure_rate: float, call_rate: float = 0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._failures = Buckets(failure_rate, MOST_ADDRESSES)
        self._calls = Buckets(call_rate, MOST_ADDRESSES) if call_rate else None
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._clock = clock

    def enter(self, client: str, token: bytes) -> None:
        """HttpError 429 when the address has called, or guessed, too often."""
        address = neighbourhood(client)
        if self._calls is not None:
            _refuse(self._calls.take(address, self._clock()), "CALL_RATE", "too many calls from your address")
        if address in self._failures and _hash(token) not in self._known:
            wait = self._failures.wait(address, self._clock())
            _refuse(wait, "FAILURE_RATE", "too many calls to URLs that are nobody's, or not signed as agreed")

    def known(self, token: bytes) -> None:
        """The token has led somewhere."""
        hashed = _hash(token)
        self._known[hashed] = None
        self._known.move_to_end(hashed)
        if len(self._known) > MOST_TOKENS:
            self._known.popitem(last=False)

    def refused(self, client: str, token: bytes, status: int) -> None:
        """A call was answered with `status`: 404 and 401 count as guesses."""
        if status in (401, 404):
            self._known.pop(_hash(token), None)
            self._failures.take(neighbourhood(client), self._clock())


def _hash(token: bytes) -> bytes:
    return sha256(token).digest()


def _refuse(wait: float, reason: str, message: str) -> None:
    if wait > 0:
        metrics.refused(reason)
        raise HttpError(429, f"{message}: wait {wait:.1f} s", reason=reason, retry_after=wait)
