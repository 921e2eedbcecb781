"""Who is signed in: a cookie that holds the service token, sealed under the console's key ring.

Invariants: nobody but a gateway reads it, any gateway with the ring does, and none keeps it. A session ends at its time,
whatever its browser says; its token is shown to the services at each request, so that a revoked one is out at once.
"""

import base64
import binascii
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from chassis.keyring import KeyRing

COOKIE = "runhook_session"
PATH = "/console"
_ROW = "console_session"
_LONGEST = 3000


@dataclass(frozen=True, kw_only=True)
class Session:
    """A visitor's. `token` is empty until they sign in; their forms prove themselves with `seed`; `ends` is Unix time."""

    ends: int
    token: str = field(default="", repr=False)
    account_id: int = 0
    account_name: str = ""
    seed: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def signed_in(self) -> bool:
        """Whether it has a token."""
        return bool(self.token)


class Sessions:
    """Makes sessions and their cookies, and reads them again."""

    def __init__(
        self, key_ring: KeyRing, seconds: int, *, secure: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self._key_ring = key_ring
        self._seconds = seconds
        self._secure = "; Secure" if secure else ""
        self._clock = clock

    def visitor(self) -> Session:
        """A new session of somebody who has not signed in."""
        return Session(ends=self._ends())

    def signed_in(self, token: str, account_id: int, account_name: str) -> Session:
        """A new session of somebody who has: nothing of the one before stays."""
        return Session(ends=self._ends(), token=token, account_id=account_id, account_name=account_name)

    def set_cookie(self, session: Session) -> str:
        """The Set-Cookie header that carries it."""
        sealed = self._key_ring.seal(json.dumps(asdict(session)).encode(), _ROW)
        value = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
        return self._cookie(value, session.ends - int(self._clock()))

    def drop_cookie(self) -> str:
        """The Set-Cookie header that takes it away."""
        return self._cookie("", 0)

    def read(self, headers: list[tuple[bytes, bytes]]) -> Session | None:
        """The session of a request; None for none, one that has ended, and one that is not ours."""
        value = _cookie_of(headers)
        if not value or len(value) > _LONGEST:
            return None
        try:
            sealed = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
            session = Session(**json.loads(self._key_ring.open(sealed, _ROW)))
        except (ValueError, binascii.Error, TypeError):
            return None
        return session if session.ends > self._clock() else None

    def _ends(self) -> int:
        return int(self._clock()) + self._seconds

    def _cookie(self, value: str, seconds: int) -> str:
        return f"{COOKIE}={value}; Path={PATH}; Max-Age={seconds}; HttpOnly; SameSite=Strict{self._secure}"


def _cookie_of(headers: list[tuple[bytes, bytes]]) -> str:
    """The first cookie of that name: a browser sends the one with the longest path first, and ours has the longest."""
    for name, value in headers:
        if name == b"cookie":
            for part in value.decode("latin-1").split(";"):
                key, _, found = part.strip().partition("=")
                if key == COOKIE:
                    return found
    return ""
