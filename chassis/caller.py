"""Who calls: every service verifies a caller's token itself, so that none depends on another to know its caller.

A token is looked up by SHA-256 through one SQL function (the only way to tokens that other owners have) and remembered for
4 s, an unknown one for 1 s, both bounded: a revoked token is refused everywhere within 5 s, and guessing costs us little.
Our own processes prove themselves with a shared credential instead; the gateway strips it from outside.
"""

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import asyncpg
import grpc

from chassis.database import AWAY_ERRORS, away
from chassis.errors import PermissionDenied, Unauthenticated

CREDENTIAL_KEY = "x-runhook-service-credential"
KNOWN_SECONDS = 4.0
UNKNOWN_SECONDS = 1.0
MOST_REMEMBERED = 10_000
LONGEST_TOKEN = 512

CALLER_OF_TOKEN = "select account_id, permission_set, token_id from runhook.caller_of_token($1)"


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified caller. `account_id` is None for one of our own processes, which may act for every account."""

    account_id: int | None
    permission_set: str
    #: The service token it came with; None for one of our own processes.
    token_id: int | None = None

    @property
    def is_service(self) -> bool:
        """Whether it is one of our own processes."""
        return self.account_id is None

    def require(self, account_id: int, permission_sets: frozenset[str]) -> None:
        """Passes if the caller may do this in the account. PermissionDenied says which of the two was missing."""
        if self.is_service:
            return
        if self.account_id != account_id:
            raise PermissionDenied("WRONG_ACCOUNT", "the token is not scoped to this account: use one of its own")
        if self.permission_set not in permission_sets:
            raise PermissionDenied(
                "MISSING_PERMISSION", f"permission set {self.permission_set} lacks the right: use another token"
            )

    def require_service(self) -> None:
        """Passes for our own processes alone."""
        if not self.is_service:
            raise PermissionDenied("SERVICE_ONLY", "only the platform's own processes may call this")


class Callers:
    """Tells callers apart by their metadata. `service_credential` may be several, one a line."""

    def __init__(self, pool: asyncpg.Pool, service_credential: str | None) -> None:
        self._pool = pool
        self._credentials = [] if service_credential is None else service_credential.encode().split()
        self._remembered: OrderedDict[bytes, tuple[float, Caller | None]] = OrderedDict()

    async def of(self, context: grpc.aio.ServicerContext[Any, Any]) -> Caller:
        """The caller of a gRPC call. Unauthenticated when there is none or none that we know."""
        return await self.identify(context.invocation_metadata() or ())

    async def identify(self, metadata: Iterable[tuple[str, str | bytes]]) -> Caller:
        """The caller behind a call's metadata."""
        values = {key: value for key, value in metadata if isinstance(value, str)}
        credential = values.get(CREDENTIAL_KEY)
        if credential is not None:
            return self._service(credential)
        scheme, _, token = values.get("authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", "token") or not token or len(token) > LONGEST_TOKEN:
            raise Unauthenticated("TOKEN_MISSING", "send a service token as `authorization: Bearer <token>`")
        caller = await self._look_up(hashlib.sha256(token.encode()).digest())
        if caller is None:
            raise Unauthenticated("TOKEN_UNKNOWN", "the token is unknown, revoked or expired: make a new one")
        return caller

    def _service(self, credential: str) -> Caller:
        if not any([hmac.compare_digest(credential.encode(), one) for one in self._credentials]):
            raise Unauthenticated("CREDENTIAL_UNKNOWN", "the service credential is not the one that this service has")
        return Caller(None, "service")

    async def _look_up(self, token_hash: bytes) -> Caller | None:
        now = time.monotonic()
        known = self._remembered.get(token_hash)
        if known is not None and known[0] > now:
            return known[1]
        try:
            row = await self._pool.fetchrow(CALLER_OF_TOKEN, token_hash)
        except AWAY_ERRORS as error:
            raise away(error) from error
        caller = None if row is None else Caller(row["account_id"], row["permission_set"], row["token_id"])
        self._remembered[token_hash] = (now + (UNKNOWN_SECONDS if caller is None else KNOWN_SECONDS), caller)
        self._remembered.move_to_end(token_hash)
        while len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return caller
