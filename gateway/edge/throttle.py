"""Who asks too often: per service token, and per address that shows wrong ones.

Invariants: a token with at most PARALLEL requests under way is never told to wait, however fast they follow each other. A
token that was not refused goes its way whatever others at its address do. Tokens are kept as hashes alone, bounded.
"""

import time
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from gateway import metrics
from gateway.edge.bucket import Buckets
from gateway.edge.crowd import neighbourhood
from gateway.http_errors import HttpError

PARALLEL = 10
MOST_TOKENS = 20_000
MOST_ADDRESSES = 20_000


class Guest(NamedTuple):
    """Who asks: the hash of the token shown, if any, and the neighbourhood."""

    token: bytes | None
    address: str


class Throttle:
    """`token_rate` requests a second for a token, `failure_rate` 401s a second for an address; 0 is no limit."""

    def __init__(self, token_rate: float, failure_rate: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._tokens = Buckets(token_rate, MOST_TOKENS)
        self._failures = Buckets(failure_rate, MOST_ADDRESSES)
        self._under_way: dict[bytes, int] = {}
        self._clock = clock

    def enter(self, authorization: bytes | None, address: str) -> Guest:
        """Lets a request in, which must leave. HttpError 429 when it is one too many."""
        now = self._clock()
        guest = Guest(_hash(authorization), neighbourhood(address))
        if guest.token is None or guest.token not in self._tokens:
            _refuse(self._failures.wait(guest.address, now), "FAILURE_RATE", "too many requests with a wrong token")
        if guest.token is not None:
            busy = self._under_way.get(guest.token, 0)
            wait = self._tokens.take(guest.token, now)
            if busy >= PARALLEL:
                _refuse(wait, "TOKEN_RATE", "too many requests with this token")
            self._under_way[guest.token] = busy + 1
        return guest

    def leave(self, guest: Guest, status: int | None) -> None:
        """The request of a guest was answered with `status`, None if not at all."""
        if status == 401:
            self._failures.take(guest.address, self._clock())
        if guest.token is None:
            return
        busy = self._under_way[guest.token] - 1
        if busy:
            self._under_way[guest.token] = busy
        else:
            del self._under_way[guest.token]
        if status == 401:
            self._tokens.forget(guest.token)


def _hash(authorization: bytes | None) -> bytes | None:
    return None if authorization is None else sha256(authorization.rpartition(b" ")[2]).digest()


def _refuse(wait: float, reason: str, message: str) -> None:
    if wait > 0:
        metrics.refused(reason)
        raise HttpError(429, f"{message}: wait {wait:.1f} s", reason=reason, retry_after=wait)
